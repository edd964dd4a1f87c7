"""The page of `pathline report` as a person meets it: in a browser, on a phone, by keyboard, in the dark.

Each test runs on a page of a model with one, with two, and with more columns (conftest.py).
"""

import time
import urllib.parse

import pytest
from conftest import OUTPUT
from selenium.webdriver import ActionChains
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

WIDTHS = {"phone": 375, "desk": 1280}  # pixels
SCHEMES = ("light", "dark")


def name_of(address):
    return urllib.parse.urlparse(address).path.rsplit("/", 1)[1].removesuffix(".html")


@pytest.fixture
def open_page(browser, page):
    def opened(width="desk", scheme="light"):
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                                {"width": WIDTHS[width], "height": 900, "deviceScaleFactor": 1, "mobile": width == "phone"})
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia",
                                {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
        browser.get_log("browser")  # forgets what other pages said
        browser.get(page)
        settle()
        return browser

    yield opened
    assert browser.get_log("browser") == [], "the page writes to the console"


def settle():
    time.sleep(0.2)  # a few frames


def pixels(browser):
    return browser.execute_script("return document.getElementById('flow').toDataURL()")


def canvas(browser):
    return browser.find_element("id", "flow")


def readout(browser):
    return browser.find_element("id", "readout").text


def drag(browser, start, end):
    """Drags from one place to another; places are offsets in pixels from the middle of the picture."""
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", canvas(browser))
    actions = ActionChains(browser, duration=0).move_to_element_with_offset(canvas(browser), *start).click_and_hold()
    actions.move_to_element_with_offset(canvas(browser), *end).release().perform()
    settle()


def test_it_loads_nothing_from_anywhere(open_page):
    browser = open_page()
    assert browser.execute_script("return performance.getEntriesByType('resource').map(e => e.name)"
                                  ".filter(name => !name.startsWith('data:'))") == []


def test_the_slider_moves_particles_and_time(open_page):
    browser = open_page()
    at_the_end = pixels(browser)
    slider = browser.find_element("id", "time")
    slider.send_keys(Keys.HOME)
    settle()
    assert browser.find_element("id", "time-text").text == "t = 0.00"
    at_the_start = pixels(browser)
    assert at_the_start != at_the_end
    slider.send_keys(Keys.END)
    settle()
    assert pixels(browser) == at_the_end


def test_the_play_button_plays_to_the_end_and_stops_when_it_is_pressed(open_page):
    browser = open_page()
    play = browser.find_element("id", "play")
    slider = browser.find_element("id", "time")
    soon = WebDriverWait(browser, 60, poll_frequency=0.1)
    play.click()
    assert (play.text, play.get_attribute("aria-pressed")) == ("Pause", "true")
    soon.until(lambda _: 0 < float(slider.get_attribute("value")) < 1)  # it begins anew from the end
    play.click()
    assert (play.text, play.get_attribute("aria-pressed")) == ("Play", "false")
    settle()
    paused = pixels(browser)
    settle()
    assert pixels(browser) == paused
    play.click()
    soon.until(lambda _: play.text == "Play")
    assert slider.get_attribute("value") == "1"


def test_hovering_says_where_and_how_dense(open_page, page):
    browser = open_page()
    ActionChains(browser).move_to_element_with_offset(canvas(browser), 20, 15).perform()
    settle()
    assert "=" in readout(browser)
    assert ("nats" in readout(browser)) == (name_of(page) != "ten-columns")  # their densities are not stored


def test_dragging_shows_the_pathline_and_moves_it(open_page, page):
    browser = open_page()
    drag(browser, (0, 0), (30, 20))
    once = readout(browser)
    drawn = pixels(browser)
    drag(browser, (30, 20), (-60, -40))
    assert readout(browser) != once
    assert pixels(browser) != drawn
    # The adjoint needs the velocity field, which only a page of two columns holds.
    assert browser.find_element("id", "adjoint-figure").is_displayed() == (name_of(page) == "two-columns")


def test_a_finger_drags_as_a_mouse_does(open_page):
    browser = open_page("phone")
    before = pixels(browser)
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", canvas(browser))
    box = browser.execute_script("const b = arguments[0].getBoundingClientRect(); return [b.left, b.top, b.width, b.height]",
                                 canvas(browser))
    finger = lambda part: [{"x": box[0] + part * box[2], "y": box[1] + part * box[3]}]
    for kind, at in (("touchStart", finger(0.5)), ("touchMove", finger(0.6)), ("touchEnd", [])):
        browser.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})
    settle()
    assert pixels(browser) != before
    assert "=" in readout(browser)


def test_the_keyboard_reaches_everything_that_the_mouse_does(open_page):
    browser = open_page()
    reached = []
    for _ in range(12):
        ActionChains(browser).send_keys(Keys.TAB).perform()
        reached.append(browser.execute_script("return document.activeElement.id"))
    for wanted in ("play", "time", "show-particles", "flow"):
        assert wanted in reached
    canvas(browser).send_keys(Keys.ARROW_RIGHT)
    settle()
    first = readout(browser)
    assert "=" in first
    canvas(browser).send_keys(Keys.ARROW_DOWN * 3)
    settle()
    assert readout(browser) != first
    canvas(browser).send_keys(",,,")
    settle()
    assert browser.find_element("id", "time-text").text != "t = 1.00"


def test_hiding_the_particles_hides_them(open_page):
    browser = open_page()
    with_them = pixels(browser)
    browser.find_element("id", "show-particles").click()
    settle()
    assert pixels(browser) != with_them


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_axe_core_finds_no_violation(open_page, page, width, scheme):
    browser = open_page(width, scheme)
    drag(browser, (0, 0), (10, 10))  # with a pathline, and the adjoint where there is one
    browser.save_screenshot(str(OUTPUT / f"{name_of(page)}-{width}-{scheme}.png"))
    browser.execute_script((OUTPUT / "axe.min.js").read_text())
    found = browser.execute_async_script("const done = arguments[arguments.length - 1];"
                                         "axe.run().then(r => done(r.violations), e => done([String(e)]))")
    assert found == []


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_wider_than_the_page(open_page, width):
    browser = open_page(width)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= WIDTHS[width]


# The table of checks was once squeezed until a sentence was a letter wide and a row as high as the screen.
@pytest.mark.parametrize("width", WIDTHS)
def test_no_row_of_a_table_is_squeezed_and_the_charts_are_alike(open_page, width):
    browser = open_page(width)
    size = "return [...document.querySelectorAll('%s')].map(e => e.getBoundingClientRect().%s)"
    assert max(browser.execute_script(size % ("tr", "height"))) < 200
    charts = browser.execute_script(size % (".charts figure", "width"))
    assert all(abs(chart - charts[0]) < 1 for chart in charts)


def test_the_page_is_dark_where_the_reader_wants_it(open_page):
    paper = "return getComputedStyle(document.body).backgroundColor"
    assert open_page(scheme="light").execute_script(paper) == "rgb(255, 255, 255)"
    assert open_page(scheme="dark").execute_script(paper) == "rgb(21, 23, 26)"


def test_a_page_is_small(page):
    with open(urllib.parse.unquote(urllib.parse.urlparse(page).path), "rb") as file:
        assert len(file.read()) < 3_000_000

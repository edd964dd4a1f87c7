"""A headless Chromium, and the pages that `pathline report` writes; `tools/check-browser` sets the two variables."""

import os
import pathlib
import subprocess

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOL = os.environ["PATHLINE_TOOL"]
OUTPUT = pathlib.Path(os.environ["PATHLINE_BROWSER_OUTPUT"])  # for pages and screenshots, and with axe.min.js

MODELS = {  # a page: the model it is of. One, two, and more columns have a flow of their own kind each.
    "two-columns": "8gaussians",
    "one-column": None,  # trained below
    "ten-columns": "diamonds",
}


def run(*arguments):
    subprocess.run([TOOL, *map(str, arguments)], check=True, cwd=OUTPUT, stdout=subprocess.DEVNULL, timeout=300)


@pytest.fixture(scope="session", params=MODELS)
def page(request):
    """The address of a page."""
    name = request.param
    model = ROOT / "models" / f"{MODELS[name]}.h5"
    if MODELS[name] is None:
        table = OUTPUT / "one.csv"
        table.write_text("x\n" + "".join(f"{(k * 0.618034) % 1 + (k % 3)}\n" for k in range(900)))
        model = OUTPUT / "one"
        run("train", table, "-o", model, "--time", 2, "--quiet", "--force")
    path = OUTPUT / f"{name}.html"
    run("report", model, "-o", path, "--quiet")
    return path.as_uri()


@pytest.fixture(scope="session")
def browser():
    options = Options()
    for argument in ("headless=new", "no-sandbox", "disable-gpu", "hide-scrollbars", "force-device-scale-factor=1"):
        options.add_argument("--" + argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
    yield driver
    driver.quit()

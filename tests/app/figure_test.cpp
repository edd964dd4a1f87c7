#include "pathline/app/figure.hpp"

#include <cmath>
#include <limits>

#include <gmock/gmock.h>

#include "app/axis_labels.hpp"
#include "app/ticks.hpp"
#include "message.hpp"
#include "pathline/core/random.hpp"
#include "scratch.hpp"

namespace pathline::plot {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

class Figures : public Scratch {
 protected:
  // What Python prints of an expression of the pixels of a PNG: rows[y][x*c:x*c+3] is red, green and blue.
  std::string of_pixels(const std::string& name, const std::string& expression) const {
    return python(
        "import struct, zlib\n"
        "b = open('" +
        name +
        "', 'rb').read(); at = 8; data = b''\n"
        "while at < len(b):\n"
        "  n, kind = struct.unpack('>I4s', b[at:at+8]); body = b[at+8:at+8+n]; at += n + 12\n"
        "  if kind == b'IHDR': w, h, depth, colour = struct.unpack('>IIBB', body[:10])\n"
        "  if kind == b'IDAT': data += body\n"
        "raw = zlib.decompress(data); c = {2: 3, 6: 4}[colour]; stride = w * c; prev = np.zeros(stride, int); rows = "
        "[]\n"
        "for r in range(h):\n"
        "  f = raw[r*(stride+1)]; line = np.frombuffer(raw[r*(stride+1)+1:(r+1)*(stride+1)], np.uint8).astype(int)\n"
        "  out = line.copy()\n"
        "  for i in range(stride):\n"
        "    a = out[i-c] if i >= c else 0; up = prev[i]; ul = prev[i-c] if i >= c else 0\n"
        "    if f == 1: out[i] = (line[i] + a) & 255\n"
        "    elif f == 2: out[i] = (line[i] + up) & 255\n"
        "    elif f == 3: out[i] = (line[i] + (a + up) // 2) & 255\n"
        "    elif f == 4:\n"
        "      p = a + up - ul; q = min((a, up, ul), key=lambda v: abs(p - v)); out[i] = (line[i] + q) & 255\n"
        "  rows.append(out); prev = out\n"
        "print(" +
        expression + ")");
  }
  // "r g b" of the pixel at a place of the page, in px.
  std::string pixel(const std::string& name, int x, int y) const {
    const std::string at = std::to_string(x) + "*c";
    return of_pixels(name, "*rows[" + std::to_string(y) + "][" + at + ":" + at + "+3]");
  }
};

// A panel's data begin at (56, 4 + 28) px, and the page has one pixel a px here.
const FigureOptions kSmall{.panel_size = 100, .scale = 1};
constexpr int kLeft = 40, kTop = 32;

TEST_F(Figures, HeatMapsPixelsAreTheDensitysColoursSlow) {
  DensityImage image{Matrix<double>(2, 2), {0, 1}, {0, 1}};
  image.log_density << std::log(1.0), -std::numeric_limits<double>::infinity(), std::log(0.5), std::nan("");
  Figure figure(kSmall);
  figure.heat_map("", image);
  figure.save(file("a.png"));
  auto text = [](Colour c) {
    return std::to_string(std::lround(255 * c.red)) + " " + std::to_string(std::lround(255 * c.green)) + " " +
           std::to_string(std::lround(255 * c.blue)) + "\n";
  };
  EXPECT_EQ(pixel("a.png", kLeft + 25, kTop + 75), text(viridis(1)));    // x low, y low
  EXPECT_EQ(pixel("a.png", kLeft + 75, kTop + 75), text(viridis(0.5)));  // x high, y low
  EXPECT_EQ(pixel("a.png", kLeft + 25, kTop + 25), text(viridis(0)));    // -inf
  EXPECT_EQ(pixel("a.png", kLeft + 75, kTop + 25), text(viridis(std::nan(""))));
}

TEST_F(Figures, APointStandsWhereItsCoordinatesSay) {
  Matrix<double> points(2, 2);
  points << 0.25, std::nan(""), 0.75, 0;
  Figure figure(kSmall);
  figure.scatter("", {{.points = points, .colour = Colour{0, 0, 0}}}, {.limits = Range{0, 1}}, {.limits = Range{0, 1}});
  figure.save(file("a.png"));
  EXPECT_NE(pixel("a.png", kLeft + 25, kTop + 25), "255 255 255\n");
  EXPECT_EQ(pixel("a.png", kLeft + 75, kTop + 25), "255 255 255\n");
  EXPECT_EQ(pixel("a.png", kLeft + 25, kTop + 75), "255 255 255\n");
}

// show_text leaves a current point: lines once began at the label before them.
TEST_F(Figures, NoLineRunsFromALabelToTheNextTick) {
  Figure figure(kSmall);
  figure.lines("", {{.x = {0, 1}, .y = {0, 1}}});
  figure.save(file("a.svg"));
  const std::string svg = get("a.svg");
  EXPECT_EQ(svg.find(" L ", svg.find(" L ") + 1) == std::string::npos, false);
  for (std::size_t at = svg.find("<path"); at != std::string::npos; at = svg.find("<path", at + 1)) {
    const std::string path = svg.substr(at, svg.find("/>", at) - at);
    if (path.find("fill:none") == std::string::npos && path.find("fill=\"none\"") == std::string::npos) continue;
    EXPECT_LE(std::count(path.begin(), path.end(), 'L'), 4) << path;  // a tick has one, an outline three
  }
}

TEST_F(Figures, EmptyAndStrangeDataMakeAFigureToo) {
  Figure figure({.title = "nothing", .columns = 3});
  figure.scatter("empty", {{.points = Matrix<double>(2, 0)}});
  figure.scatter("one", {{.label = "a", .points = Matrix<double>::Zero(2, 1)}});
  figure.heat_map("constant", {Matrix<double>::Zero(3, 3), {0, 1}, {0, 1}});
  figure.lines("nan", {{.x = {0, 1, 2}, .y = {1, std::nan(""), 2}}});
  figure.histogram("", {{"v", {1, 1, 1}}, {"none", {}}}, {{.label = "c", .x = {0, 2}, .y = {0.1, 0.2}}});
  figure.scatter("many", {{.points = Matrix<double>::Random(2, 50000)}});
  for (const char* name : {"a.png", "a.svg", "a.pdf"}) figure.save(file(name));
  EXPECT_THAT(get("a.png"), StartsWith("\x89PNG"));
  EXPECT_THAT(get("a.pdf"), StartsWith("%PDF"));
  EXPECT_THAT(get("a.svg"), HasSubstr("<svg"));
  Figure().save(file("b.png"));
}

TEST_F(Figures, WrongNamesAreRefusedAndNothingIsLeft) {
  Figure figure;
  EXPECT_THAT(message([&] { figure.save(file("a.jpg")); }),
              HasSubstr("a.jpg: expected a name that ends with .png, .svg or .pdf"));
  EXPECT_THAT(message([&] { figure.save(file("no/a.png")); }), HasSubstr("no/a.png: cannot write"));
  EXPECT_NO_THROW(check_figure_name("A.PNG"));
  EXPECT_EQ(files(), 0);
}

std::vector<std::string> labels(const Range& range, Scale scale, int most) {
  std::vector<std::string> out;
  for (const auto& tick : make_ticks(range, scale, most)) out.push_back(tick.label);
  return out;
}

TEST(Ticks, AreRoundAndInside) {
  EXPECT_THAT(labels({-4, 4}, Scale::linear, 5), ElementsAre("−4", "−2", "0", "2", "4"));
  EXPECT_THAT(labels({0, 0.3}, Scale::linear, 4), ElementsAre("0", "0.1", "0.2", "0.3"));
  EXPECT_THAT(labels({0.9, 1100}, Scale::log, 5), testing::Contains("10²"));
  EXPECT_TRUE(make_ticks({1, 1}, Scale::linear, 5).empty());
  const auto range = range_of({1, std::nan(""), 3}, Scale::linear, 0);
  EXPECT_EQ(range, (Range{1, 3}));
}

// A range of 8 once had one tick, because five multiples of 2 were too many and of 5 there was one.
TEST(Ticks, AreTwoAtLeastWhereverThreeMayBe) {
  Engine engine = make_stream(1, "test");
  for (int i = 0; i < 2000; ++i) {
    const double length = std::pow(10, uniform(engine, -3, 3)), low = uniform(engine, -1, 1) * 2 * length;
    for (const int most : {3, 4, 5}) {
      const auto count = std::ssize(make_ticks({low, low + length}, Scale::linear, most));
      EXPECT_GE(count, 2) << low << " " << length << " " << most;
      EXPECT_LE(count, most);
    }
  }
  EXPECT_THAT(labels({-3.9, 3.9}, Scale::linear, 3), ElementsAre("−2", "0", "2"));
  EXPECT_THAT(labels({-4.4, 4.4}, Scale::linear, 3), ElementsAre("−3", "0", "3"));
}

// The width and height of an SVG in px.
std::pair<double, double> size_of(const std::string& svg) {
  const auto number = [&](const std::string& name) {
    const auto at = svg.find(name + "=\"");
    return at == svg.npos ? 0 : std::stod(svg.substr(at + name.size() + 2));
  };
  return {number(" width"), number(" height")};
}

Figure sheet(int panels, FigureOptions options) {
  Figure figure(std::move(options));
  for (int i = 0; i < panels; ++i) figure.heat_map("a", {Matrix<double>::Zero(2, 2), {0, 1}, {0, 1}});
  return figure;
}

// Five panels once were 1,843 px wide: no letter of them could be read in a README.
TEST(Sheets, ThatAreTooWideAreWrapped) {
  for (const int panels : {3, 5, 7, 12}) {
    const auto [width, height] = size_of(sheet(panels, {.columns = panels}).bytes("a.svg"));
    EXPECT_LE(width, 800) << panels;
    EXPECT_GE(width, 790) << panels;
    EXPECT_GT(height, 150 + (panels - 1) / 3 * 200) << panels;  // at most three panels of 150 px in 800
  }
  const auto [width, height] = size_of(sheet(5, {.columns = 5, .width = 2000}).bytes("a.svg"));
  EXPECT_NEAR(width, 2000, 1);
  EXPECT_LT(height, 450);                                      // one row, of panels of 290 px
  EXPECT_LT(size_of(sheet(1, {}).bytes("a.svg")).first, 400);  // one panel is not made larger
}

TEST(Sheets, ARowBeginsWhereItIsAskedTo) {
  const auto height = [](bool apart) {
    Figure figure({.columns = 3, .panel_size = 60});
    for (int i = 0; i < 4; ++i) {
      if (apart && i == 1) figure.start_row();
      figure.lines("", {{.x = {0, 1}, .y = {0, 1}}});
    }
    return size_of(figure.bytes("a.svg"));
  };
  EXPECT_EQ(height(false), height(true));  // 3 and 1, or 1 and 3
  Figure figure({.columns = 3, .panel_size = 60});
  for (int i = 0; i < 3; ++i) figure.start_row(), figure.lines("", {{.x = {0, 1}, .y = {0, 1}}});
  EXPECT_GT(size_of(figure.bytes("a.svg")).second, 3 * 100);
}

// Ten thousand points once took 2.7 MB of an SVG.
TEST_F(Figures, ManyPointsAreASmallSvg) {
  Figure figure;
  figure.scatter("", {{.points = Matrix<double>::Random(2, 10000)}});
  EXPECT_LT(figure.bytes("a.svg").size(), 700'000u);
}

TEST_F(Figures, PointsWithoutALineAreDots) {
  Figure figure(kSmall);
  figure.lines("", {{.x = {0, 1}, .y = {0, 1}, .colour = Colour{0, 0, 0}, .dots = true, .line = false}},
               {.limits = Range{-1, 2}}, {.limits = Range{-1, 2}});
  figure.save(file("a.png"));
  // The panel is 100 x 71 px; half-way between the two points there is no line.
  EXPECT_EQ(pixel("a.png", kLeft + 50, kTop + 36), "255 255 255\n");
  EXPECT_EQ(pixel("a.png", kLeft + 33, kTop + 47), "0 0 0\n");
}

// Room for the legend was once left by the size that the figure asked for, not by that of the panel.
TEST_F(Figures, ALegendLeavesTheCurvesUncovered) {
  Figure figure({.columns = 1, .panel_size = 400, .width = 240, .scale = 1});
  const Colour colour{0, 0, 0};
  std::vector<Series> series(4, Series{.label = "name", .x = {0, 1}, .y = {1, 1}, .colour = colour});
  series.push_back({.x = {0, 1}, .y = {0, 0}, .colour = colour});
  figure.lines("", series);
  figure.save(file("a.png"));
  // Below the keys of the legend, near the right end, the line at 1 is as dark as at its free left end.
  EXPECT_EQ(of_pixels("a.png",
                      "[min(rows[y][x * c] for y in range(60, h // 2 + 20)) < 60 for x in (60, w - 50)], "
                      "min(rows[y][(w - 50) * c] for y in range(60, h // 2 + 20)) == min(rows[y][60 * c] for y in "
                      "range(60, h // 2 + 20))"),
            "[True, True] True\n");
}

class AxisLabelsOf : public testing::TestWithParam<double> {};

// Inside of the axis, apart from each other, two of them at least: a panel once had "0" alone.
TEST_P(AxisLabelsOf, AnyRangeAreTwoThatDoNotTouch) {
  const double length = GetParam();
  const TextStyle style{.size = 10.5};
  Engine engine = make_stream(2, "test");
  for (int i = 0; i < 200; ++i) {
    const double size = std::pow(10, uniform(engine, -12, 9)), low = uniform(engine, -2, 2) * size;
    for (const auto side : {Side::below, Side::beside}) {
      const Range range{low, low + size};
      const auto labels = axis_labels(range, Scale::linear, length, side, style);
      ASSERT_EQ(labels.shown.size(), labels.ticks.ticks.size());
      EXPECT_GE(labels.count(), 2) << low << " " << size;
      double last = -10;
      for (std::size_t k = 0; k < labels.shown.size(); ++k) {
        if (!labels.shown[k]) continue;
        const auto& tick = labels.ticks.ticks[k];
        const bool lines = labels.upward || side == Side::beside;
        const double at = length * (tick.value - low) / size;
        const double half = (lines ? text_height(style) : text_width(tick.label, style)) / 2;
        EXPECT_GE(at - half, std::max(last + 2, -1.5) - 1e-6) << tick.label;
        EXPECT_LE(at + half, length + 1.5 + 1e-6) << tick.label;
        last = at + half;
      }
    }
  }
}

// Corners of ten, seven and five columns that are 800 px wide.
INSTANTIATE_TEST_SUITE_P(Panels, AxisLabelsOf, testing::Values(66.0, 98.0, 141.0));

// Four powers of ten are too many for 85 px, and of the first and the third one has no room.
TEST(AxisLabels, OfALogAxisAreEverySecondPowerWhereAllWouldTouch) {
  const auto labels = axis_labels({0.004, 40}, Scale::log, 85, Side::below, {.size = 10.5});
  EXPECT_FALSE(labels.upward);
  EXPECT_EQ(labels.count(), 2);
}

TEST(AxisLabels, OfALogAxisArePowersOfTen) {
  const auto labels = axis_labels({0.02, 60}, Scale::log, 70, Side::below, {.size = 10.5});
  EXPECT_GE(labels.count(), 2);
  for (std::size_t k = 0; k < labels.shown.size(); ++k)
    if (labels.shown[k]) EXPECT_THAT(labels.ticks.ticks[k].label, StartsWith("10"));
}

}  // namespace
}  // namespace pathline::plot

#include "pathline/app/figure.hpp"

#include <cmath>
#include <limits>

#include <gmock/gmock.h>

#include "app/ticks.hpp"
#include "message.hpp"
#include "scratch.hpp"

namespace pathline::plot {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

class Figures : public Scratch {
 protected:
  // "r g b" of the pixel at a place of the page, in px.
  std::string pixel(const std::string& name, int x, int y) const {
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
        "print(*rows[" +
        std::to_string(y) + "][" + std::to_string(x) + "*c:" + std::to_string(x) + "*c+3])");
  }
};

// A panel's data begin at (56, 4 + 28) px, and the page has one pixel a px here.
const FigureOptions kSmall{.panel_size = 100, .scale = 1};
constexpr int kLeft = 40, kTop = 32;

TEST_F(Figures, HeatMapsPixelsAreTheDensitysColours) {
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

}  // namespace
}  // namespace pathline::plot

#include "app/svg_chart.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "app/markup.hpp"
#include "app/ticks.hpp"

namespace pathline {
namespace {

constexpr double kWidth = 420, kHeight = 260, kLeft = 62, kRight = 14, kTop = 12, kBottom = 44;  // px
constexpr std::array<const char*, 2> kClasses{"first", "second"};

struct Chart {
  plot::Range x, y;
  bool log = false;
  double across(double v) const { return kLeft + (kWidth - kLeft - kRight) * (v - x.low) / (x.high - x.low); }
  double up(double v) const {
    const double part = log ? std::log(v / y.low) / std::log(y.high / y.low) : (v - y.low) / (y.high - y.low);
    return kHeight - kBottom - (kHeight - kTop - kBottom) * part;
  }
};

std::string path_of(const ChartLine& line, const Chart& chart, bool& drawn) {
  std::string out;
  bool begun = false;
  for (std::size_t i = 0; i < std::min(line.x.size(), line.y.size()); ++i) {
    const double x = chart.across(line.x[i]), y = chart.up(line.y[i]);
    if (!std::isfinite(x) || !std::isfinite(y)) {
      begun = false;
      continue;
    }
    out += fmt::format("{}{:.1f} {:.1f}", begun ? "L" : "M", x, y);
    drawn = drawn || begun;
    begun = true;
  }
  return out;
}

std::string axes(const Chart& chart, const std::string& x_name, const std::string& y_name, plot::Scale scale) {
  std::string out;
  const double low = kHeight - kBottom;
  const auto across = plot::short_ticks(chart.x, plot::Scale::linear, 6), up = plot::short_ticks(chart.y, scale, 6);
  for (const auto& tick : across.ticks)
    out += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>", chart.across(tick.value),
                       low + 16, tick.label);
  for (const auto& tick : up.ticks) {
    if (tick.label.empty()) continue;
    const double y = chart.up(tick.value);
    out += fmt::format("<path class=\"grid\" d=\"M{} {:.1f}H{}\"/>", kLeft, y, kWidth - kRight);
    out += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>", kLeft - 6, y + 4, tick.label);
  }
  const auto with_unit = [](const std::string& name, const std::string& unit) {
    return escaped(unit.empty() ? name : name + " (" + unit + ")");
  };
  out += fmt::format("<path class=\"axis\" d=\"M{0} {1}V{2}H{3}\"/>", kLeft, kTop, low, kWidth - kRight);
  out += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>", (kLeft + kWidth - kRight) / 2,
                     kHeight - 8, with_unit(x_name, across.unit));
  out += fmt::format("<text transform=\"translate(12 {:.1f}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
                     (kTop + low) / 2, with_unit(y_name, up.unit));
  return out;
}

}  // namespace

std::string svg_chart(const std::string& title, const std::vector<ChartLine>& lines, const std::string& x_name,
                      const std::string& y_name, plot::Scale scale) {
  std::vector<double> xs, ys;
  for (const auto& line : lines)
    xs.insert(xs.end(), line.x.begin(), line.x.end()), ys.insert(ys.end(), line.y.begin(), line.y.end());
  const Chart chart{plot::range_of(xs, plot::Scale::linear, 0), plot::range_of(ys, scale, 0.05),
                    scale == plot::Scale::log};
  std::string paths, keys;
  bool drawn = false;
  for (std::size_t k = 0; k < std::min(lines.size(), kClasses.size()); ++k) {
    paths += fmt::format("<path class=\"line {}\" d=\"{}\"/>", kClasses[k], path_of(lines[k], chart, drawn));
    if (lines.size() > 1)
      keys += fmt::format("{}<span class=\"key {}\">{}</span>", k ? ", " : ": ", kClasses[k], escaped(lines[k].name));
  }
  if (!drawn) return "";
  return fmt::format(
      "<figure><svg viewBox=\"0 0 {0} {1}\" role=\"img\" aria-label=\"{2}\">{3}{4}</svg>"
      "<figcaption>{2}{5}</figcaption></figure>\n",
      kWidth, kHeight, escaped(title), axes(chart, x_name, y_name, scale), paths, keys);
}

}  // namespace pathline

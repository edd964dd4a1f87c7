#include "app/axis_labels.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace pathline::plot {
namespace {

constexpr double kGap = 4, kLineGap = 2, kOverhang = 1.5;  // px; between labels in a row, between lines, over the end
constexpr double kShort = 90;                              // px, of an axis that more than four labels would crowd

double on_axis(double value, Scale scale) { return scale == Scale::log ? std::log10(value) : value; }

double widest_of(const std::vector<Tick>& ticks, const TextStyle& style) {
  double out = 0;
  for (const auto& tick : ticks) out = std::max(out, text_width(tick.label, style));
  return out;
}

// Ticks of a linear axis, as many as leave room for a label as wide as the widest.
ShortTicks ticks_with_room(const Range& range, Scale scale, double length, bool lines, int most,
                           const TextStyle& style) {
  const auto all = short_ticks(range, scale, most);
  const double half = (lines ? text_height(style) : widest_of(all.ticks, style)) / 2;
  const double margin = std::clamp((half - kOverhang) / length, 0.0, 0.4) * (range.high - range.low);
  return short_ticks({range.low + margin, range.high - margin}, scale, most);
}

// The labels that lie inside of the axis; none if two of them would touch on a linear axis.
AxisLabels placed(ShortTicks ticks, const Range& range, Scale scale, double length, bool lines,
                  const TextStyle& style) {
  AxisLabels out{.ticks = std::move(ticks)};
  const double low = on_axis(range.low, scale), high = on_axis(range.high, scale);
  double last = -std::numeric_limits<double>::infinity();
  for (const auto& tick : out.ticks.ticks) {
    const double at = length * (on_axis(tick.value, scale) - low) / (high - low);
    const double half = (lines ? text_height(style) : text_width(tick.label, style)) / 2;
    out.shown.push_back(!tick.label.empty() && at - half >= -kOverhang && at + half <= length + kOverhang);
    if (!out.shown.back()) continue;
    if (at - half < last + (lines ? kLineGap : kGap)) {
      if (scale == Scale::log) {  // every second or third power of ten
        out.shown.back() = false;
        continue;
      }
      out.shown.assign(out.ticks.ticks.size(), false);
      return out;
    }
    last = at + half;
  }
  return out;
}

}  // namespace

Index AxisLabels::count() const { return std::count(shown.begin(), shown.end(), true); }

double AxisLabels::widest(const TextStyle& style) const {
  double out = 0;
  for (std::size_t k = 0; k < shown.size(); ++k)
    if (shown[k]) out = std::max(out, text_width(ticks.ticks[k].label, style));
  return out;
}

AxisLabels axis_labels(const Range& range, Scale scale, double length, Side side, const TextStyle& style) {
  AxisLabels best;
  for (const bool upward : {false, true}) {
    if (upward && side == Side::beside) break;
    const bool lines = upward || side == Side::beside;
    for (int most = length < kShort ? 4 : 5; most >= 2; --most)
      for (const bool with_room : {false, true}) {
        if (with_room && scale == Scale::log) continue;
        auto next = placed(
            with_room ? ticks_with_room(range, scale, length, lines, most, style) : short_ticks(range, scale, most),
            range, scale, length, lines, style);
        next.upward = upward;
        if (next.count() >= 2) return next;
        if (next.count() > best.count() || best.shown.empty()) best = std::move(next);
      }
  }
  return best;
}

}  // namespace pathline::plot

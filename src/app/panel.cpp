#include "app/panel.hpp"

#include <algorithm>
#include <cmath>

#include "app/fitted_text.hpp"

namespace pathline::plot {
namespace {

constexpr Colour kInk{0.13, 0.13, 0.13};
constexpr double kTick = 4, kGap = 4, kBarGap = 10, kBarWidth = 11;  // px
constexpr double kMostTicks = 10;
constexpr double kYLabel = 11, kBarLabel = 10;                       // px, of the text
const TextStyle kLegend{.size = 10, .along = Along::start, .across = Across::middle};

double part(double value, const Range& range, bool log) {
  return log ? std::log(value / range.low) / std::log(range.high / range.low)
             : (value - range.low) / (range.high - range.low);
}

double widest_of(const std::vector<Tick>& ticks) {
  double widest = 0;
  for (const auto& tick : ticks) widest = std::max(widest, text_width(tick.label, {.size = 10}));
  return widest;
}

// The name of an axis with the common factor and offset of its labels: "time (×10⁴ +1700000000)".
std::string axis_name(const std::string& label, const std::string& unit) {
  if (unit.empty()) return label;
  return label.empty() ? unit : label + " (" + unit + ")";
}

}  // namespace

Point Frame::at(double px, double py) const {
  return {box.x + box.width * part(px, x, log_x), box.bottom() - box.height * part(py, y, log_y)};
}

double Panel::width_to_height() const {
  const double ratio = (x.high - x.low) / (y.high - y.low);
  const bool linear = x_axis.scale == Scale::linear && y_axis.scale == Scale::linear;
  return equal && linear && ratio >= 0.4 && ratio <= 2.5 ? ratio : shape;
}

Range Panel::y_range(double height) const {
  if (!legend_above || legend.empty()) return y;
  const double data = std::max(0.4 * height, height - legend_height() - 2 * kGap);  // px
  return y_axis.scale == Scale::log ? Range{y.low, y.low * std::pow(y.high / y.low, height / data)}
                                    : Range{y.low, y.low + (y.high - y.low) * height / data};
}

ShortTicks Panel::y_ticks(double height) const {
  return short_ticks(y_range(height), y_axis.scale, static_cast<int>(std::clamp(height / 24, 3.0, kMostTicks)));
}

std::vector<Tick> Panel::bar_ticks(double height) const {
  return make_ticks(bar->range(), Scale::linear, static_cast<int>(std::max(2.0, height / 32)));
}

double Panel::left_of(double height) const {
  const auto [ticks, unit] = y_ticks(height);
  const double label = axis_name(y_axis.label, unit).empty() ? 0 : text_height({.size = kYLabel}) + 4;
  return kTick + 8 + widest_of(ticks) + label;
}

double Panel::legend_width() const {
  double width = 0;
  for (const auto& e : legend) width = std::max(width, text_width(e.label, {.size = 10}));
  return width + 26;
}

double Panel::legend_height() const {
  return (text_height(kLegend) + 1) * static_cast<double>(legend.size()) + 2 * kGap;
}

double Panel::right_of(double height) const {
  if (!bar) return legend_beside ? legend_width() + kGap : 0;
  return kBarGap + kBarWidth + kTick + 6 + widest_of(bar_ticks(height)) + text_height({.size = kBarLabel});
}

void Panel::paint(Canvas& canvas, const Box& box) const {
  const Frame frame{box, x, y_range(box.height), x_axis.scale == Scale::log, y_axis.scale == Scale::log};
  canvas.clipped(box, [&] { draw(canvas, frame); });
  paint_axes(canvas, frame);
  paint_legend(canvas, frame);
  if (bar) paint_bar(canvas, frame);
}

void Panel::paint_axes(Canvas& canvas, const Frame& f) const {
  const Box& b = f.box;
  canvas.outline(b, kInk, 1);
  const TextStyle small{.size = 10};
  const auto across = short_ticks(x, x_axis.scale, static_cast<int>(std::clamp(b.width / 30, 3.0, kMostTicks)));
  double last = -1e9;  // the end of the preceding label
  for (const auto& tick : across.ticks) {
    const Point p = f.at(tick.value, f.y.low);
    canvas.line({{p.x, b.bottom()}, {p.x, b.bottom() + (tick.label.empty() ? kTick / 2 : kTick)}}, kInk, 1);
    const double half = text_width(tick.label, small) / 2;
    if (tick.label.empty() || p.x - half < last + 3) continue;
    canvas.text({p.x, b.bottom() + kTick + 2}, tick.label, small);
    last = p.x + half;
  }
  const auto beside = y_ticks(b.height);
  for (const auto& tick : beside.ticks) {
    const Point p = f.at(x.low, tick.value);
    canvas.line({{b.x - (tick.label.empty() ? kTick / 2 : kTick), p.y}, {b.x, p.y}}, kInk, 1);
    if (tick.label.empty()) continue;
    canvas.text({b.x - kTick - 3, p.y}, tick.label, {.size = 10, .along = Along::end, .across = Across::middle});
  }
  const TextStyle heading{.size = 12, .across = Across::bottom};
  if (!title.empty()) canvas.text({b.x + b.width / 2, b.y - 6}, fitted(title, heading, b.width + 40), heading);
  if (const std::string name = axis_name(x_axis.label, across.unit); !name.empty())
    canvas.text({b.x + b.width / 2, b.bottom() + kTick + 16}, fitted(name, {.size = 11}, b.width + 20), {.size = 11});
  if (const std::string name = axis_name(y_axis.label, beside.unit); !name.empty()) {
    const TextStyle upward{.size = kYLabel, .across = Across::bottom, .direction = Direction::upward};
    canvas.text({b.x - kTick - 8 - widest_of(beside.ticks), b.y + b.height / 2}, fitted(name, upward, b.height + 20),
                upward);
  }
}

void Panel::paint_legend(Canvas& canvas, const Frame& f) const {
  if (legend.empty()) return;
  const double width = legend_width(), line = text_height(kLegend) + 1;
  const double left = legend_beside ? f.box.right() + kGap : f.box.right() - width - kGap;
  const Box box{left, f.box.y + kGap, width, legend_height()};
  canvas.fill(box, {1, 1, 1, 0.8});
  for (std::size_t i = 0; i < legend.size(); ++i) {
    const double y_at = box.y + kGap + line * (static_cast<double>(i) + 0.5);
    const Colour opaque{legend[i].colour.red, legend[i].colour.green, legend[i].colour.blue};
    if (legend[i].dot)
      canvas.dot({box.x + 10.5, y_at}, 2.6, opaque);
    else
      canvas.line({{box.x + 4, y_at}, {box.x + 17, y_at}}, opaque, 2.5);
    canvas.text({box.x + 21, y_at}, legend[i].label, kLegend);
  }
}

void Panel::paint_bar(Canvas& canvas, const Frame& f) const {
  const Box b{f.box.right() + kBarGap, f.box.y, kBarWidth, f.box.height};
  Matrix<Colour> colours(1, 128);
  for (Index j = 0; j < 128; ++j) {
    const double t = (static_cast<double>(j) + 0.5) / 128;
    colours(0, j) = bar->diverging ? diverging(2 * t - 1) : viridis(t);
  }
  canvas.cells(b, colours);
  canvas.outline(b, kInk, 1);
  const auto ticks = bar_ticks(b.height);
  for (const auto& tick : ticks) {
    const double y_at = b.bottom() - b.height * part(tick.value, bar->range(), false);
    canvas.line({{b.right(), y_at}, {b.right() + kTick, y_at}}, kInk, 1);
    canvas.text({b.right() + kTick + 3, y_at}, tick.label,
                {.size = 10, .along = Along::start, .across = Across::middle});
  }
  if (bar->exceeded) canvas.text({b.x + b.width / 2, b.y - 1}, "\u25b2", {.size = 9, .across = Across::bottom});
  canvas.text({b.right() + kTick + 6 + widest_of(ticks), b.y + b.height / 2}, bar->label,
              {.size = kBarLabel, .across = Across::top, .direction = Direction::upward});
}

}  // namespace pathline::plot

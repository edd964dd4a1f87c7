#include "app/corner.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "app/axis_labels.hpp"
#include "app/contour.hpp"
#include "app/fitted_text.hpp"

namespace pathline::plot {
namespace {

constexpr Colour kInk{0.13, 0.13, 0.13};
constexpr double kPanelGap = 5, kMargin = 8, kTick = 4, kLeastText = 8.5;  // px
constexpr std::array<double, 2> kMasses{0.95, 0.68};
const TextStyle kName{.size = 12}, kTickText{.size = 10.5}, kUnit{.size = 10};
const TextStyle kHeading{.size = 14, .bold = true};

// The columns and samples as they are drawn: with logarithms on a logarithmic axis.
struct Drawn {
  std::vector<SampleColumn> columns;
  RowVector<double> weights;
};

double on_axis(double value, Scale scale) { return scale == Scale::log ? std::log10(value) : value; }

Range axis_range(const CornerColumn& c) { return {on_axis(c.range.low, c.scale), on_axis(c.range.high, c.scale)}; }

Drawn drawn(const CornerSamples& samples, const std::vector<CornerColumn>& columns) {
  Drawn out{.columns = {}, .weights = samples.weights};
  for (std::size_t k = 0; k < columns.size(); ++k) {
    RowVector<double> values = samples.points.row(static_cast<Index>(k));
    if (columns[k].scale == Scale::log) values = values.array().log10();
    if (columns[k].discrete) values = values.array().floor();
    out.columns.push_back({values, axis_range(columns[k]), columns[k].ends, columns[k].discrete});
  }
  return out;
}

// Bars of a histogram as one shape: twice as wide as the kernel of the curve, at most `most`; or one for each integer.
std::vector<Point> bars(const SampleColumn& column, const RowVector<double>& weights, double most) {
  const double length = column.range.high - column.range.low;
  double low = column.range.low, width = length;
  if (column.discrete && length < 200) {
    low = std::floor(column.range.low) - 0.5, width = 1;
  } else {
    const double least = std::clamp(std::sqrt(static_cast<double>(column.values.size())), 8.0, 30.0);
    width = length / std::clamp(std::ceil(0.5 * length / bandwidth(column, weights)), least, most);
  }
  const auto count = static_cast<std::size_t>(std::ceil((column.range.high - low) / width - 1e-9));
  std::vector<double> heights(std::max<std::size_t>(count, 1), 0);
  double whole = 0;
  for (Index i = 0; i < column.values.size(); ++i) {
    const double v = column.values(i), w = weights.size() > 0 ? weights(i) : 1;
    if (!(v >= column.range.low && v <= column.range.high)) continue;
    heights[std::min(static_cast<std::size_t>((v - low) / width), heights.size() - 1)] += w, whole += w;
  }
  std::vector<Point> shape{{low, 0}};
  for (std::size_t b = 0; b < heights.size(); ++b) {
    const double h = whole > 0 ? heights[b] / (whole * width) : 0, left = low + static_cast<double>(b) * width;
    shape.push_back({left, h}), shape.push_back({left + width, h});
  }
  shape.push_back({shape.back().x, 0});
  return shape;
}

std::vector<Point> curve(const SampleColumn& column, const RowVector<double>& weights, Index cells) {
  const Vector<double> density = smooth_density(column, weights, cells);
  const double step = (column.range.high - column.range.low) / static_cast<double>(cells);
  std::vector<Point> out;
  for (Index i = 0; i < cells; ++i)
    out.push_back({column.range.low + (static_cast<double>(i) + 0.5) * step, density(i)});
  return out;
}

// Makes a text that is too long smaller, down to a legible size; beyond that it is cut.
TextStyle shrunk(TextStyle style, const std::string& text, double width) {
  const double whole = text_width(text, style);
  if (whole > width) style.size = std::max(kLeastText, style.size * width / whole);
  return style;
}

class Page {
 public:
  Page(const Corner& corner, Format format) : corner_(corner), count_(corner.columns.size()) {
    model_ = drawn(corner.model, corner.columns);
    if (corner.data) data_ = drawn(*corner.data, corner.columns);
    lay_out();
    canvas_ = std::make_unique<Canvas>(format, corner.width, height_, 2, corner.title);
  }

  std::string draw() {
    double y = kMargin;
    for (const auto& line : heading_) canvas_->text({corner_.width / 2, y}, line, kHeading), y += text_height(kHeading);
    for (std::size_t i = 0; i < count_; ++i)
      for (std::size_t j = 0; j <= i; ++j) {
        if (i == j)
          draw_margin(i, box(i, j));
        else
          draw_pair(i, j, box(i, j));
        draw_frame(i, j, box(i, j));
      }
    draw_legend();
    return canvas_->finish();
  }

 private:
  void lay_out() {
    heading_ = wrapped(corner_.title, kHeading, corner_.width - 2 * kMargin);
    top_ = kMargin + text_height(kHeading) * static_cast<double>(heading_.size()) + (heading_.empty() ? 0 : kMargin);
    left_ = kMargin, bottom_ = kMargin;
    for (int pass = 0; pass < 2; ++pass) {  // the labels depend on the panels' size, and that on the labels
      const auto n = static_cast<double>(count_);
      side_ = std::max(20.0, (corner_.width - left_ - 2 * kMargin - (n - 1) * kPanelGap) / n);
      x_.clear(), y_.clear();
      std::size_t units = 0;  // lines
      double x_height = text_height(kTickText), y_width = 0;
      for (std::size_t k = 0; k < count_; ++k) {
        const auto& c = corner_.columns[k];
        x_.push_back(axis_labels(c.range, c.scale, side_, Side::below, kTickText));
        y_.push_back(axis_labels(c.range, c.scale, side_, Side::beside, kTickText));
        units = std::max({units, unit_lines(x_[k]).size(), unit_lines(y_[k]).size()});
        if (x_[k].upward) x_height = std::max(x_height, x_[k].widest(kTickText));
        if (k > 0) y_width = std::max(y_width, y_[k].widest(kTickText));
      }
      const double names = text_height(kName) + static_cast<double>(units) * text_height(kUnit) + 4;
      left_ = kMargin + (count_ > 1 ? names + y_width + kTick + 4 : 8),
      bottom_ = kTick + 2 + x_height + names + kMargin;
      x_name_ = kTick + 4 + x_height, y_name_ = kTick + 6 + y_width;
    }
    panel_height_ = count_ == 1 ? 0.55 * side_ : side_;
    pair_cells_ = std::clamp<Index>(std::lround(side_ / 2), 96, 128);  // large panels would show coarse cells as kinks
    const auto n = static_cast<double>(count_);
    height_ = std::ceil(top_ + n * panel_height_ + (n - 1) * kPanelGap + bottom_);
  }

  Box box(std::size_t i, std::size_t j) const {
    return {left_ + static_cast<double>(j) * (side_ + kPanelGap),
            top_ + static_cast<double>(i) * (panel_height_ + kPanelGap), side_, panel_height_};
  }

  double across(std::size_t k, double value, const Box& b) const {
    const Range r = axis_range(corner_.columns[k]);
    return b.x + b.width * (value - r.low) / (r.high - r.low);
  }
  double along(std::size_t k, double value, const Box& b) const {
    const Range r = axis_range(corner_.columns[k]);
    return b.bottom() - b.height * (value - r.low) / (r.high - r.low);
  }

  void draw_margin(std::size_t k, const Box& b) {
    const double most = std::max(60.0, side_);  // bars, which are not narrower than a pixel
    const auto& model = model_.columns[k];
    const auto under = data_ ? bars(data_->columns[k], data_->weights, most) : bars(model, model_.weights, most);
    const auto over = model.discrete
                          ? bars(model, model_.weights, most)
                          : curve(model, model_.weights, std::clamp<Index>(std::lround(2 * side_), 200, 800));
    double highest = 0;
    for (const auto* points : {&under, &over})
      for (const Point& p : *points) highest = std::max(highest, p.y);
    const auto placed = [&](const std::vector<Point>& points) {
      std::vector<Point> out;
      for (const Point& p : points)
        out.push_back({across(k, p.x, b), b.bottom() - b.height * p.y / (1.12 * (highest > 0 ? highest : 1))});
      return out;
    };
    Colour faint = data_ ? corner_.data->colour : corner_.model.colour;
    faint.alpha = 0.35;
    canvas_->clipped(b, [&] {
      canvas_->area({placed(under)}, faint);
      canvas_->line(placed(over), corner_.model.colour, 1.7);
      if (const auto& truth = corner_.columns[k].truth) {
        const double x = across(k, on_axis(*truth, corner_.columns[k].scale), b);
        canvas_->dashed({{x, b.y}, {x, b.bottom()}}, kInk, 1.2);
      }
    });
  }

  std::vector<std::vector<Point>> region(const Drawn& from, std::size_t i, std::size_t j, const Matrix<double>& density,
                                         double mass, const Box& b) const {
    auto loops = contour(density, highest_density_level(density, mass));
    const Range rx = from.columns[j].range, ry = from.columns[i].range;
    const auto n = static_cast<double>(pair_cells_);
    for (auto& loop : loops)
      for (Point& p : loop)
        p = {across(j, rx.low + (rx.high - rx.low) * p.x / n, b), along(i, ry.low + (ry.high - ry.low) * p.y / n, b)};
    return loops;
  }

  void draw_pair(std::size_t i, std::size_t j, const Box& b) {
    canvas_->clipped(b, [&] {
      if (data_) {
        const auto density = smooth_density(data_->columns[j], data_->columns[i], data_->weights, pair_cells_);
        for (const double mass : kMasses) {
          Colour colour = corner_.data->colour;
          colour.alpha = 0.3;  // the inner region lies over the outer one
          canvas_->area(region(*data_, i, j, density, mass, b), colour);
        }
      }
      const auto density = smooth_density(model_.columns[j], model_.columns[i], model_.weights, pair_cells_);
      for (const double mass : kMasses)
        for (auto loop : region(model_, i, j, density, mass, b)) {
          loop.push_back(loop.front());
          canvas_->line(loop, corner_.model.colour, count_ > 6 ? 1.2 : 1.6);
        }
      draw_truth(i, j, b);
    });
  }

  void draw_truth(std::size_t i, std::size_t j, const Box& b) {
    const auto &cx = corner_.columns[j], &cy = corner_.columns[i];
    if (cx.truth) {
      const double x = across(j, on_axis(*cx.truth, cx.scale), b);
      canvas_->dashed({{x, b.y}, {x, b.bottom()}}, kInk, 1);
    }
    if (cy.truth) {
      const double y = along(i, on_axis(*cy.truth, cy.scale), b);
      canvas_->dashed({{b.x, y}, {b.right(), y}}, kInk, 1);
      if (cx.truth) canvas_->dot({across(j, on_axis(*cx.truth, cx.scale), b), y}, 2.5, kInk);
    }
  }

  void draw_frame(std::size_t i, std::size_t j, const Box& b) {
    canvas_->outline(b, kInk, 1);
    const bool lowest = i + 1 == count_, first = j == 0 && i > 0;
    const auto& across_ticks = x_[j].ticks.ticks;
    for (std::size_t k = 0; k < across_ticks.size(); ++k) {
      const Tick& tick = across_ticks[k];
      const double x = across(j, on_axis(tick.value, corner_.columns[j].scale), b);
      const double length = tick.label.empty() ? kTick / 2 : kTick;
      canvas_->line({{x, b.bottom()}, {x, b.bottom() + (lowest ? length : -length)}}, kInk, 1);
      if (!lowest || !x_[j].shown[k]) continue;
      TextStyle style = kTickText;
      if (x_[j].upward) style.direction = Direction::upward, style.along = Along::end, style.across = Across::middle;
      canvas_->text({x, b.bottom() + kTick + 2}, tick.label, style);
    }
    const auto& along_ticks = y_[i].ticks.ticks;
    for (std::size_t k = 0; i != j && k < along_ticks.size(); ++k) {
      const Tick& tick = along_ticks[k];
      const double y = along(i, on_axis(tick.value, corner_.columns[i].scale), b);
      const double length = tick.label.empty() ? kTick / 2 : kTick;
      canvas_->line({{b.x, y}, {b.x + (first ? -length : length), y}}, kInk, 1);
      if (!first || !y_[i].shown[k]) continue;
      canvas_->text({b.x - kTick - 3, y}, tick.label,
                    {.size = kTickText.size, .along = Along::end, .across = Across::middle});
    }
    if (lowest) name_below(j, b);
    if (first) name_beside(i, b);
  }

  // The common factor and offset of the labels, in two lines if they are wider than a panel.
  std::vector<std::string> unit_lines(const AxisLabels& axis) const {
    return wrapped(axis.ticks.unit, {.size = kLeastText}, side_ + kPanelGap);
  }

  TextStyle unit_style(const std::string& line) const { return shrunk(kUnit, line, side_ + kPanelGap); }

  void name_below(std::size_t k, const Box& b) {
    const double middle = b.x + b.width / 2;
    const TextStyle name = shrunk(kName, corner_.columns[k].label, side_);
    double y = b.bottom() + x_name_;
    canvas_->text({middle, y}, fitted(corner_.columns[k].label, name, side_), name);
    y += text_height(kName);
    for (const auto& line : unit_lines(x_[k])) {
      canvas_->text({middle, y}, line, unit_style(line));
      y += text_height(kUnit);
    }
  }

  void name_beside(std::size_t k, const Box& b) {
    const auto upward = [](TextStyle style) {
      style.direction = Direction::upward, style.across = Across::bottom;
      return style;
    };
    const double middle = b.y + b.height / 2;
    double x = b.x - y_name_;
    const auto lines = unit_lines(y_[k]);
    for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
      canvas_->text({x, middle}, *line, upward(unit_style(*line)));
      x -= text_height(kUnit);
    }
    const TextStyle name = shrunk(kName, corner_.columns[k].label, side_);
    canvas_->text({x, middle}, fitted(corner_.columns[k].label, name, side_), upward(name));
  }

  // Draws the legend in the empty corner above the diagonal, or at the top of the only panel.
  void draw_legend() {
    enum class Key { area, line, dashes, none };
    TextStyle style{.size = 12, .along = Along::start, .across = Across::middle};
    const double room = count_ > 1 ? static_cast<double>(count_ - 1) * (side_ + kPanelGap) - 40 : side_ / 2;
    std::vector<std::pair<Key, std::string>> entries;
    if (data_) entries.emplace_back(Key::area, corner_.data->label);
    entries.emplace_back(Key::line, corner_.model.label);
    const auto& columns = corner_.columns;
    if (std::any_of(columns.begin(), columns.end(), [](const CornerColumn& c) { return c.truth.has_value(); }))
      entries.emplace_back(Key::dashes, "truth");
    if (count_ > 1) {
      const std::string note = "regions of highest density: 68 % and 95 %";
      const bool fits = text_width(note, {.size = kLeastText}) <= room;
      entries.emplace_back(Key::none, fits ? note : "regions of 68 % and 95 %");
    }
    // In small panels the lines stand closer, so that the last is above the panel of the second column.
    const double full = text_height(style) + 4;
    const double line = count_ > 1 ? std::min(full, side_ / static_cast<double>(entries.size())) : full;
    style.size = std::max(kLeastText, style.size * line / full);
    double widest = 0;
    std::vector<TextStyle> styles;
    for (auto& [key, text] : entries) {
      styles.push_back(shrunk(style, text, room));
      text = fitted(text, styles.back(), room);
      widest = std::max(widest, text_width(text, styles.back()));
    }
    double y = top_ + line / 2 + (count_ == 1 ? 4 : 0);
    const double x = corner_.width - (count_ == 1 ? 3 : 2) * kMargin - widest - 30;
    for (std::size_t k = 0; k < entries.size(); ++k, y += line) {
      const auto& [key, text] = entries[k];
      Colour faint = data_ ? corner_.data->colour : corner_.model.colour;
      faint.alpha = 0.5;
      if (key == Key::area) canvas_->fill({x, y - 5, 22, 10}, faint);
      if (key == Key::line) canvas_->line({{x, y}, {x + 22, y}}, corner_.model.colour, 2);
      if (key == Key::dashes) canvas_->dashed({{x, y}, {x + 22, y}}, kInk, 1.2);
      canvas_->text({x + 30, y}, text, styles[k]);
    }
  }

  const Corner& corner_;
  std::size_t count_;
  Drawn model_;
  std::optional<Drawn> data_;
  std::vector<std::string> heading_;
  std::vector<AxisLabels> x_, y_;
  double left_ = 0, top_ = 0, bottom_ = 0, side_ = 0, panel_height_ = 0, height_ = 0, x_name_ = 0, y_name_ = 0;
  Index pair_cells_ = 0;  // cells per side of the densities of pairs
  std::unique_ptr<Canvas> canvas_;
};

}  // namespace

std::string draw_corner(const Corner& corner, Format format) { return Page(corner, format).draw(); }

}  // namespace pathline::plot

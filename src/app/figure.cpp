#include "pathline/app/figure.hpp"
#include "pathline/io/replace_file.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "app/fitted_text.hpp"
#include "app/panel.hpp"
#include "app/picture_file.hpp"
#include "app/ticks.hpp"

namespace pathline::plot {
namespace {

constexpr double kLeft = 40, kRight = 20, kTop = 28, kBottom = 44;  // px; kLeft is a minimum

constexpr Colour kStart{0.45, 0.45, 0.45}, kMark{0.13, 0.13, 0.13};
constexpr double kWidest = 800;       // px, of a figure whose width is not given: that of a page in a browser
constexpr double kLeastPanel = 150;   // px; smaller panels are put into more rows
constexpr std::size_t kInside = 4;    // entries of a legend that find room inside the panel
constexpr Index kManyPoints = 20000;  // more points are drawn as one image of counts

Range resolve(const Axis& axis, const std::vector<double>& values, double padding) {
  if (axis.limits && axis.limits->low < axis.limits->high) return *axis.limits;
  return range_of(values, axis.scale, padding);
}

std::vector<double> row(const Matrix<double>& points, Index i) {
  std::vector<double> out(static_cast<std::size_t>(points.cols()));
  for (Index j = 0; j < points.cols(); ++j) out[static_cast<std::size_t>(j)] = points(i, j);
  return out;
}

void append(std::vector<double>& all, const std::vector<double>& more) {
  all.insert(all.end(), more.begin(), more.end());
}

Colour or_next(const std::optional<Colour>& colour, std::size_t i) {
  return colour ? *colour : line_colour(static_cast<Index>(i));
}

// Draws a few points as dots, which become smaller and fainter as their number grows.
void draw_dots(Canvas& canvas, const Frame& frame, const Matrix<double>& points, Colour colour) {
  const double n = static_cast<double>(points.cols());
  const double radius = std::clamp(2.2 - 0.35 * std::log10(std::max(n, 1.0)), 0.6, 2.2);
  colour.alpha = std::clamp(1.6 / std::pow(std::max(n, 1.0), 0.2), 0.15, 0.9);
  std::vector<Point> centres;
  for (Index j = 0; j < points.cols(); ++j)
    if (points.col(j).allFinite()) centres.push_back(frame.at(points(0, j), points(1, j)));
  canvas.dots(centres, radius, colour);
}

// Draws many points as one image of the fraction of points per cell, from white to the colour.
void draw_counts(Canvas& canvas, const Frame& frame, const Matrix<double>& points, Colour colour) {
  const Index nx = static_cast<Index>(frame.box.width), ny = static_cast<Index>(frame.box.height);
  Matrix<double> count = Matrix<double>::Zero(nx, ny);
  for (Index j = 0; j < points.cols(); ++j) {
    if (!points.col(j).allFinite()) continue;
    const Point p = frame.at(points(0, j), points(1, j));
    const double u = (p.x - frame.box.x) / frame.box.width * static_cast<double>(nx);
    const double v = (frame.box.bottom() - p.y) / frame.box.height * static_cast<double>(ny);
    if (u >= 0 && u < static_cast<double>(nx) && v >= 0 && v < static_cast<double>(ny))
      count(static_cast<Index>(u), static_cast<Index>(v)) += 1;
  }
  const double full = std::max(1.0, count.maxCoeff());
  Matrix<Colour> colours(nx, ny);
  for (Index i = 0; i < nx; ++i)
    for (Index j = 0; j < ny; ++j) {
      const double a = count(i, j) > 0 ? 0.25 + 0.75 * std::sqrt(count(i, j) / full) : 0;
      colours(i, j) = {1 - a * (1 - colour.red), 1 - a * (1 - colour.green), 1 - a * (1 - colour.blue)};
    }
  canvas.cells(frame.box, colours);
}

void draw_series(Canvas& canvas, const Frame& frame, const Series& s, const Colour& colour, double width) {
  std::vector<Point> run;
  auto flush = [&] {
    if (run.size() > 1) canvas.line(run, colour, width);
    run.clear();
  };
  for (std::size_t i = 0; i < std::min(s.x.size(), s.y.size()); ++i) {
    const Point p = frame.at(s.x[i], s.y[i]);
    if (std::isfinite(p.x) && std::isfinite(p.y))
      run.push_back(p);
    else
      flush();
  }
  flush();
}

void draw_dots_of(Canvas& canvas, const Frame& frame, const Series& s, const Colour& colour) {
  constexpr std::size_t kMany = 100;
  const std::size_t n = std::min(s.x.size(), s.y.size());
  std::vector<Point> centres;
  for (std::size_t i = 0; i < n; ++i)
    if (const Point p = frame.at(s.x[i], s.y[i]); std::isfinite(p.x) && std::isfinite(p.y)) centres.push_back(p);
  canvas.dots(centres, n > kMany ? 1.5 : 2.6, colour);
}

// Bins of width 2 IQR / n^(1/3) (Freedman and Diaconis 1981), at most 200 of them.
std::vector<double> bin_edges(std::vector<double> v) {
  std::erase_if(v, [](double x) { return !std::isfinite(x); });
  if (v.empty()) return {0, 1};
  std::sort(v.begin(), v.end());
  const double low = v.front(), high = v.back(), n = static_cast<double>(v.size());
  const double spread = v[v.size() * 3 / 4] - v[v.size() / 4], width = 2 * spread / std::cbrt(n);
  if (!(high > low)) return {low - 0.5, high + 0.5};
  const auto bins =
      static_cast<std::size_t>(std::clamp(width > 0 ? std::ceil((high - low) / width) : 10.0, 1.0, 200.0));
  std::vector<double> edges;
  for (std::size_t i = 0; i <= bins; ++i)
    edges.push_back(low + (high - low) * static_cast<double>(i) / static_cast<double>(bins));
  return edges;
}

std::vector<double> heights(const std::vector<double>& v, const std::vector<double>& edges) {
  std::vector<double> out(edges.size() - 1, 0);
  double n = 0;
  for (double x : v) {
    if (!std::isfinite(x)) continue;
    n += 1;
    const auto at = std::upper_bound(edges.begin(), edges.end(), x) - edges.begin();
    const auto bin = x == edges.back() ? static_cast<std::ptrdiff_t>(out.size()) : at;
    if (bin >= 1 && bin <= static_cast<std::ptrdiff_t>(out.size())) out[static_cast<std::size_t>(bin - 1)] += 1;
  }
  for (std::size_t i = 0; i < out.size(); ++i) out[i] /= std::max(n, 1.0) * (edges[i + 1] - edges[i]);
  return out;
}

std::shared_ptr<Panel> make_panel(const std::string& title, Axis x, Axis y) {
  auto panel = std::make_shared<Panel>();
  panel->title = title, panel->x_axis = std::move(x), panel->y_axis = std::move(y);
  return panel;
}

// White on a dark edge, so that it is seen on every colour.
void draw_arrow(Canvas& canvas, const Frame& frame, const Arrow& arrow) {
  const Point from = frame.at(arrow.x, arrow.y), to = frame.at(arrow.x + arrow.dx, arrow.y + arrow.dy);
  const double dx = to.x - from.x, dy = to.y - from.y, length = std::hypot(dx, dy);
  if (!(length > 0.5) || !std::isfinite(length)) return;
  const double head = std::min(4.0, 0.45 * length), ux = dx / length, uy = dy / length;
  const auto side = [&](double sign) {
    return Point{to.x - head * (ux - sign * 0.5 * uy), to.y - head * (uy + sign * 0.5 * ux)};
  };
  for (const auto& [colour, width] : {std::pair{Colour{0, 0, 0, 0.45}, 2.6}, {Colour{1, 1, 1}, 1.1}}) {
    canvas.line({from, to}, colour, width);
    canvas.line({side(1), to, side(-1)}, colour, width);
  }
}

void draw_image(Canvas& canvas, const Frame& frame, const Range& x, const Range& y, const Matrix<Colour>& colours) {
  const Point low = frame.at(x.low, y.low), high = frame.at(x.high, y.high);
  canvas.cells({low.x, high.y, high.x - low.x, low.y - high.y}, colours);
}

void resolve_series(Panel& panel, const std::vector<Series>& series, double pad_x, double pad_y) {
  std::vector<double> xs, ys;
  for (std::size_t i = 0; i < series.size(); ++i) {
    append(xs, series[i].x), append(ys, series[i].y);
    if (!series[i].label.empty())
      panel.legend.push_back({series[i].label, or_next(series[i].colour, i), !series[i].line});
  }
  panel.x = resolve(panel.x_axis, xs, pad_x), panel.y = resolve(panel.y_axis, ys, pad_y);
}

// An arrow half-way along a curve, in its direction.
void draw_direction(Canvas& canvas, const Frame& frame, const Series& s, const Colour& colour) {
  const std::size_t n = std::min(s.x.size(), s.y.size());
  if (n < 3) return;
  const Point a = frame.at(s.x[n / 2 - 1], s.y[n / 2 - 1]), b = frame.at(s.x[n / 2], s.y[n / 2]);
  const double dx = b.x - a.x, dy = b.y - a.y, length = std::hypot(dx, dy);
  if (!(length > 1e-6) || !std::isfinite(length)) return;
  const double ux = 4 * dx / length, uy = 4 * dy / length;
  canvas.area({{{b.x + ux, b.y + uy},
                {b.x - ux / 2 - uy / 2, b.y - uy / 2 + ux / 2},
                {b.x - ux / 2 + uy / 2, b.y - uy / 2 - ux / 2}}},
              colour);
}

}  // namespace

void check_figure_name(const std::string& path) { format_of(path); }

void Figure::scatter(const std::string& title, std::vector<Cloud> clouds, Axis x, Axis y, Aspect aspect) {
  auto panel = make_panel(title, std::move(x), std::move(y));
  std::vector<double> xs, ys;
  for (std::size_t i = 0; i < clouds.size(); ++i) {
    if (clouds[i].points.rows() == 2)
      append(xs, row(clouds[i].points, 0)), append(ys, row(clouds[i].points, 1));
    else
      clouds[i].points.resize(2, 0);
    if (!clouds[i].label.empty()) panel->legend.push_back({clouds[i].label, or_next(clouds[i].colour, i)});
  }
  panel->x = resolve(panel->x_axis, xs, 0.04), panel->y = resolve(panel->y_axis, ys, 0.04);
  panel->equal = aspect == Aspect::equal;
  panel->draw = [clouds](Canvas& canvas, const Frame& frame) {
    for (std::size_t i = 0; i < clouds.size(); ++i) {
      const auto draw = clouds[i].points.cols() > kManyPoints && i == 0 ? draw_counts : draw_dots;
      draw(canvas, frame, clouds[i].points, or_next(clouds[i].colour, i));
    }
  };
  panels_.push_back(panel);
}

void Figure::heat_map(const std::string& title, DensityImage image, Axis x, Axis y, std::optional<double> highest,
                      std::vector<Arrow> arrows, Bar bar) {
  auto panel = make_panel(title, std::move(x), std::move(y));
  panel->x = panel->x_axis.limits.value_or(image.x), panel->y = panel->y_axis.limits.value_or(image.y);
  panel->equal = true;
  double largest = 0;
  for (double v : image.log_density.reshaped())
    if (std::isfinite(v)) largest = std::max(largest, std::exp(v));
  const double top = highest.value_or(largest);
  if (bar == Bar::shown) panel->bar = Panel::ColourBar{.highest = top, .exceeded = largest > top};
  panel->draw = [image = std::move(image), arrows = std::move(arrows), top](Canvas& canvas, const Frame& frame) {
    Matrix<Colour> colours(image.log_density.rows(), image.log_density.cols());
    for (Index i = 0; i < colours.size(); ++i) {
      const double v = image.log_density.data()[i];
      const double p = std::isnan(v) || v == std::numeric_limits<double>::infinity() ? std::nan("") : std::exp(v);
      colours.data()[i] = viridis(top > 0 ? p / top : (std::isnan(p) ? p : 0));
    }
    draw_image(canvas, frame, image.x, image.y, colours);
    for (const auto& arrow : arrows) draw_arrow(canvas, frame, arrow);
  };
  panels_.push_back(panel);
}

void Figure::value_map(const std::string& title, ValueImage image, Range range, const std::string& label, Axis x,
                       Axis y) {
  auto panel = make_panel(title, std::move(x), std::move(y));
  panel->x = panel->x_axis.limits.value_or(image.x), panel->y = panel->y_axis.limits.value_or(image.y);
  panel->equal = true;
  panel->bar = Panel::ColourBar{.highest = range.high, .lowest = range.low, .label = label};
  panel->draw = [image = std::move(image), range](Canvas& canvas, const Frame& frame) {
    Matrix<Colour> colours(image.values.rows(), image.values.cols());
    for (Index i = 0; i < colours.size(); ++i)
      colours.data()[i] = viridis((image.values.data()[i] - range.low) / (range.high - range.low));
    draw_image(canvas, frame, image.x, image.y, colours);
  };
  panels_.push_back(panel);
}

void Figure::difference_map(const std::string& title, ValueImage image, Axis x, Axis y) {
  auto panel = make_panel(title, std::move(x), std::move(y));
  panel->x = panel->x_axis.limits.value_or(image.x), panel->y = panel->y_axis.limits.value_or(image.y);
  panel->equal = true;
  double top = 0;
  for (double v : image.values.reshaped())
    if (std::isfinite(v)) top = std::max(top, std::abs(v));
  if (top == 0) top = 1;
  panel->bar = Panel::ColourBar{.highest = top, .lowest = -top, .diverging = true, .label = "difference"};
  panel->draw = [image = std::move(image), top](Canvas& canvas, const Frame& frame) {
    draw_image(canvas, frame, image.x, image.y, image.values.unaryExpr([&](double v) { return diverging(v / top); }));
  };
  panels_.push_back(panel);
}

void Figure::paths(const std::string& title, std::vector<Series> series, Axis x, Axis y) {
  auto panel = make_panel(title, std::move(x), std::move(y));
  resolve_series(*panel, series, 0.04, 0.04);
  panel->equal = true;
  panel->legend = {{"start", kStart, true}, {"end", line_colour(1), true}};
  panel->legend_beside = true;
  panel->draw = [series](Canvas& canvas, const Frame& frame) {
    for (std::size_t i = 0; i < series.size(); ++i) {
      Colour colour = series[i].colour.value_or(line_colour(0));
      draw_series(canvas, frame, series[i], colour, 0.8);
      if (series[i].x.empty()) continue;
      const Point start = frame.at(series[i].x.front(), series[i].y.front());
      if (std::isfinite(start.x) && std::isfinite(start.y)) canvas.dot(start, 1.3, kStart);
      colour.alpha = std::min(1.0, 2 * colour.alpha);
      draw_direction(canvas, frame, series[i], colour);
    }
    for (const auto& s : series) {
      if (s.x.empty()) continue;
      const Point end = frame.at(s.x.back(), s.y.back());
      if (std::isfinite(end.x) && std::isfinite(end.y)) canvas.dot(end, 1.5, line_colour(1));
    }
  };
  panels_.push_back(panel);
}

void Figure::lines(const std::string& title, std::vector<Series> series, Axis x, Axis y) {
  auto panel = make_panel(title, std::move(x), std::move(y));
  const bool dots = std::any_of(series.begin(), series.end(), [](const Series& s) { return s.dots; });
  resolve_series(*panel, series, dots ? 0.03 : 0, 0.05);
  panel->legend_beside = panel->legend.size() > kInside;
  panel->legend_above = !panel->legend_beside && !panel->y_axis.limits;
  panel->shape = 1.4;
  panel->draw = [series](Canvas& canvas, const Frame& frame) {
    for (std::size_t i = 0; i < series.size(); ++i) {
      const Colour colour = or_next(series[i].colour, i);
      if (series[i].line) draw_series(canvas, frame, series[i], colour, 1.6);
      if (series[i].dots) draw_dots_of(canvas, frame, series[i], colour);
    }
  };
  panels_.push_back(panel);
}

void Figure::histogram(const std::string& title, std::vector<std::pair<std::string, std::vector<double>>> samples,
                       std::vector<Series> curves, Axis x, Axis y) {
  std::vector<Series> outlines;
  std::vector<double> xs, ys = {0};
  const bool log = x.scale == Scale::log;  // then the bins are even on the axis, and heights are per decade
  for (std::size_t i = 0; i < samples.size(); ++i) {
    if (log)
      for (double& v : samples[i].second) v = std::log10(v);
    auto edges = bin_edges(samples[i].second);
    const auto h = heights(samples[i].second, edges);
    if (log)
      for (double& v : edges) v = std::pow(10, v);
    Series s{.label = samples[i].first, .x = {}, .y = {}, .colour = line_colour(static_cast<Index>(i))};
    for (std::size_t b = 0; b < h.size(); ++b)
      for (double edge : {edges[b], edges[b + 1]}) s.x.push_back(edge), s.y.push_back(h[b]);
    append(xs, edges), append(ys, h);
    outlines.push_back(std::move(s));
  }
  for (std::size_t i = 0; i < curves.size(); ++i) {
    if (!curves[i].colour) curves[i].colour = line_colour(static_cast<Index>(samples.size() + i));
    append(xs, curves[i].x), append(ys, curves[i].y);
  }
  auto panel = make_panel(title, std::move(x), std::move(y));
  for (const auto* list : {&outlines, &curves})
    for (const auto& s : *list)
      if (!s.label.empty()) panel->legend.push_back({s.label, *s.colour});
  panel->legend_above = true;
  panel->x = resolve(panel->x_axis, xs, 0.02), panel->y = {0, range_of(ys, Scale::linear, 0.06).high};
  if (options_.panel_size > 300) panel->shape = 1.4;
  panel->draw = [outlines, curves](Canvas& canvas, const Frame& frame) {
    for (std::size_t i = 0; i < outlines.size(); ++i) {
      const auto& s = outlines[i];
      Colour faint = *s.colour;
      faint.alpha = 0.3;
      if (i == 0 && !s.x.empty()) {  // one shape, so that no seam shows between the bars
        std::vector<Point> shape{frame.at(s.x.front(), 0)};
        for (std::size_t b = 0; b < s.x.size(); ++b) shape.push_back(frame.at(s.x[b], s.y[b]));
        shape.push_back(frame.at(s.x.back(), 0));
        canvas.area({shape}, faint);
      }
      draw_series(canvas, frame, s, *s.colour, 1.2);
    }
    for (const auto& c : curves) draw_series(canvas, frame, c, *c.colour, 1.6);
  };
  panels_.push_back(panel);
}

void Figure::mark(std::optional<double> x, std::optional<double> y) {
  if (panels_.empty() || !panels_.back()) return;
  auto panel = std::make_shared<Panel>(*panels_.back());
  panel->draw = [x, y, draw = panel->draw](Canvas& canvas, const Frame& frame) {
    draw(canvas, frame);
    const Point at = frame.at(x.value_or(frame.x.low), y.value_or(frame.y.low));
    if (x) canvas.dashed({{at.x, frame.box.y}, {at.x, frame.box.bottom()}}, kMark, 1.2);
    if (y) canvas.dashed({{frame.box.x, at.y}, {frame.box.right(), at.y}}, kMark, 1.2);
    if (x && y) canvas.dot(at, 3, kMark);
  };
  panels_.back() = panel;
}

void Figure::blank() { panels_.push_back(nullptr); }

// The places of the panels on the page. A column is as wide as its widest panel, and a row as high as its highest
// panel.
struct Figure::Layout {
  struct Place {
    std::size_t row, column;
    Point size = {};
  };
  std::vector<Place> places;                         // of each panel
  std::vector<double> widths, heights, lefts, bars;  // of each column; heights: of each row
  double panel_size = 0, width = 0, height = 0;
};

Figure::Layout Figure::lay_out(std::size_t columns, double panel_size) const {
  Layout out;
  out.panel_size = panel_size;
  std::size_t row = 0, column = 0;
  for (std::size_t i = 0; i < panels_.size(); ++i) {
    const bool first = std::find(starts_.begin(), starts_.end(), i) != starts_.end();
    if (column > 0 && (column == columns || first)) ++row, column = 0;
    out.places.push_back({row, column});
    if (panels_[i] || columns > 1) ++column;  // a blank panel alone in its row would be a gap
  }
  out.widths.assign(columns, 60), out.lefts.assign(columns, kLeft), out.bars.assign(columns, 0);
  out.heights.assign(row + 1, 60);
  for (std::size_t i = 0; i < panels_.size(); ++i) {
    if (!panels_[i]) continue;
    const double ratio = panels_[i]->width_to_height();
    const Point s = ratio >= 1 ? Point{panel_size, panel_size / ratio} : Point{panel_size * ratio, panel_size};
    auto& place = out.places[i];
    place.size = s;
    out.widths[place.column] = std::max(out.widths[place.column], s.x);
    out.heights[place.row] = std::max(out.heights[place.row], s.y);
    out.lefts[place.column] = std::max(out.lefts[place.column], panels_[i]->left_of(s.y));
    out.bars[place.column] = std::max(out.bars[place.column], panels_[i]->right_of(s.y));
  }
  for (std::size_t j = 0; j < columns; ++j) out.width += out.lefts[j] + out.widths[j] + kRight + out.bars[j];
  for (double h : out.heights) out.height += kTop + h + kBottom;
  return out;
}

// The panels at the size at which their rows have this width; the labels' widths hardly depend on it.
Figure::Layout Figure::fitted_to(double width, std::size_t columns) const {
  double size = options_.panel_size;
  for (int pass = 0; pass < 4; ++pass) {
    const Layout layout = lay_out(columns, size);
    double panels = 0;
    for (double w : layout.widths) panels += w;
    size *= std::max(0.1, width - (layout.width - panels)) / panels;
  }
  Layout out = lay_out(columns, std::max(size, 40.0));
  if (std::abs(out.width - width) < 1) out.width = width;
  return out;
}

std::size_t Figure::longest_row() const {
  std::size_t longest = 1, begin = 0;
  for (const std::size_t start : starts_) longest = std::max(longest, start - begin), begin = start;
  return std::max(longest, panels_.size() - begin);
}

// A sheet that is too wide is wrapped into rows of about the same length, until its panels can be read.
Figure::Layout Figure::lay_out() const {
  const std::size_t longest = longest_row();
  std::size_t columns = std::min(longest, static_cast<std::size_t>(std::max<Index>(1, options_.columns)));
  const Layout natural = lay_out(columns, options_.panel_size);
  if (options_.width == 0 && (natural.width <= kWidest || columns == 1)) return natural;
  const double width = options_.width > 0 ? options_.width : kWidest;
  for (;; --columns) {
    const std::size_t rows = (longest + columns - 1) / columns;
    columns = (longest + rows - 1) / rows;
    const Layout out = fitted_to(width, columns);
    if (columns == 1 || out.panel_size >= std::min(kLeastPanel, options_.panel_size)) return out;
  }
}

std::string Figure::bytes(const std::string& path) const {
  const Format format = format_of(path);
  const Layout layout = lay_out();
  const TextStyle heading{.size = 14, .bold = true};
  double width = layout.width;
  std::vector<std::string> title;
  if (!options_.title.empty()) {
    if (options_.width == 0)
      width = std::clamp(text_width(options_.title, heading) + 20, width, std::max(width, kWidest));
    title = wrapped(options_.title, heading, width - 16);
  }
  const double line = text_height(heading), head = title.empty() ? 4 : 12 + line * static_cast<double>(title.size());
  width = std::ceil(width);
  Canvas canvas(format, width, std::ceil(head + layout.height), options_.scale, options_.title);
  for (std::size_t i = 0; i < title.size(); ++i)
    canvas.text({width / 2, 8 + line * static_cast<double>(i)}, title[i], heading);
  for (std::size_t i = 0; i < panels_.size(); ++i) {
    if (!panels_[i]) continue;
    const auto& place = layout.places[i];
    double left = layout.lefts[place.column], top = head + kTop;
    for (std::size_t j = 0; j < place.column; ++j) left += layout.lefts[j] + layout.widths[j] + kRight + layout.bars[j];
    for (std::size_t r = 0; r < place.row; ++r) top += layout.heights[r] + kBottom + kTop;
    panels_[i]->paint(canvas, {left, top, place.size.x, place.size.y});
  }
  return canvas.finish();
}

void Figure::save(const std::string& path) const { write_text_file(path, bytes(path)); }

}  // namespace pathline::plot

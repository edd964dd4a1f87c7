#include "pathline/app/figure.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <fstream>
#include <limits>

#include "app/panel.hpp"
#include "app/ticks.hpp"
#include "core/lower_case.hpp"
#include "pathline/core/error.hpp"
#include "pathline/io/replace_file.hpp"

namespace pathline::plot {
namespace {

constexpr double kLeft = 40, kRight = 20, kTop = 28, kBottom = 44, kTitle = 30;  // px; kLeft is a minimum

// The space above the curves for the legend, as a fraction of their height.
double legend_room(std::size_t entries) { return entries == 0 ? 0 : 0.08 + 0.12 * static_cast<double>(entries); }
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
  for (Index j = 0; j < points.cols(); ++j)
    if (points.col(j).allFinite()) canvas.dot(frame.at(points(0, j), points(1, j)), radius, colour);
}

// Draws many points as one image of the fraction of points per cell, from white to the colour.
void draw_counts(Canvas& canvas, const Frame& frame, const Matrix<double>& points, Colour colour) {
  const Index nx = static_cast<Index>(frame.box.width), ny = static_cast<Index>(frame.box.height);
  Matrix<double> count = Matrix<double>::Zero(nx, ny);
  for (Index j = 0; j < points.cols(); ++j) {
    if (!points.col(j).allFinite()) continue;
    const double u = (points(0, j) - frame.x.low) / (frame.x.high - frame.x.low) * static_cast<double>(nx);
    const double v = (points(1, j) - frame.y.low) / (frame.y.high - frame.y.low) * static_cast<double>(ny);
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
    if (!series[i].label.empty()) panel.legend.push_back({series[i].label, or_next(series[i].colour, i)});
  }
  panel.x = resolve(panel.x_axis, xs, pad_x), panel.y = resolve(panel.y_axis, ys, pad_y);
}

Format format_of(const std::string& path) {
  const std::string suffix = lower_case(path.substr(path.size() - std::min<std::size_t>(path.size(), 4)));
  if (suffix == ".png") return Format::png;
  if (suffix == ".svg") return Format::svg;
  if (suffix == ".pdf") return Format::pdf;
  throw InputError(path + ": expected a name that ends with .png, .svg or .pdf");
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
                      std::vector<Arrow> arrows) {
  auto panel = make_panel(title, std::move(x), std::move(y));
  panel->x = panel->x_axis.limits.value_or(image.x), panel->y = panel->y_axis.limits.value_or(image.y);
  panel->equal = true;
  double largest = 0;
  for (double v : image.log_density.reshaped())
    if (std::isfinite(v)) largest = std::max(largest, std::exp(v));
  const double top = highest.value_or(largest);
  panel->bar = Panel::ColourBar{top, largest > top};
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

void Figure::paths(const std::string& title, std::vector<Series> series, Axis x, Axis y) {
  auto panel = make_panel(title, std::move(x), std::move(y));
  resolve_series(*panel, series, 0.04, 0.04);
  panel->equal = true;
  panel->draw = [series](Canvas& canvas, const Frame& frame) {
    for (std::size_t i = 0; i < series.size(); ++i) {
      Colour colour = series[i].colour.value_or(line_colour(0));
      draw_series(canvas, frame, series[i], colour, 0.8);
      if (series[i].x.empty()) continue;
      const Point end = frame.at(series[i].x.back(), series[i].y.back());
      if (std::isfinite(end.x) && std::isfinite(end.y)) canvas.dot(end, 1.3, line_colour(1));
    }
  };
  panels_.push_back(panel);
}

void Figure::lines(const std::string& title, std::vector<Series> series, Axis x, Axis y) {
  auto panel = make_panel(title, std::move(x), std::move(y));
  resolve_series(*panel, series, 0, 0.05);
  panel->legend_beside = panel->legend.size() > kInside;
  const double free = panel->legend_beside ? 0 : legend_room(panel->legend.size());
  if (!panel->y_axis.limits && panel->y_axis.scale == Scale::linear)
    panel->y.high += free * (panel->y.high - panel->y.low);
  else if (!panel->y_axis.limits)
    panel->y.high *= std::pow(panel->y.high / panel->y.low, free);
  panel->shape = 1.4;
  panel->draw = [series](Canvas& canvas, const Frame& frame) {
    for (std::size_t i = 0; i < series.size(); ++i) {
      const Colour colour = or_next(series[i].colour, i);
      draw_series(canvas, frame, series[i], colour, 1.6);
      for (std::size_t k = 0; series[i].dots && k < std::min(series[i].x.size(), series[i].y.size()); ++k)
        if (const Point p = frame.at(series[i].x[k], series[i].y[k]); std::isfinite(p.x) && std::isfinite(p.y))
          canvas.dot(p, 2.6, colour);
    }
  };
  panels_.push_back(panel);
}

void Figure::histogram(const std::string& title, std::vector<std::pair<std::string, std::vector<double>>> samples,
                       std::vector<Series> curves, Axis x, Axis y) {
  auto panel = make_panel(title, std::move(x), std::move(y));
  std::vector<Series> outlines;
  std::vector<double> xs, ys = {0};
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const auto edges = bin_edges(samples[i].second), h = heights(samples[i].second, edges);
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
  for (const auto* list : {&outlines, &curves})
    for (const auto& s : *list)
      if (!s.label.empty()) panel->legend.push_back({s.label, *s.colour});
  const double free = 0.06 + legend_room(panel->legend.size());
  panel->x = resolve(panel->x_axis, xs, 0.02), panel->y = {0, range_of(ys, Scale::linear, free).high};
  panel->draw = [outlines, curves](Canvas& canvas, const Frame& frame) {
    for (std::size_t i = 0; i < outlines.size(); ++i) {
      const auto& s = outlines[i];
      Colour faint = *s.colour;
      faint.alpha = 0.3;
      for (std::size_t b = 0; i == 0 && b + 1 < s.x.size(); b += 2) {
        const Point top = frame.at(s.x[b], s.y[b]), foot = frame.at(s.x[b + 1], 0);
        canvas.fill({top.x, top.y, foot.x - top.x, foot.y - top.y}, faint);
      }
      draw_series(canvas, frame, s, *s.colour, 1.2);
    }
    for (const auto& c : curves) draw_series(canvas, frame, c, *c.colour, 1.6);
  };
  panels_.push_back(panel);
}

void Figure::blank() { panels_.push_back(nullptr); }

void Figure::save(const std::string& path) const {
  const Format format = format_of(path);
  const std::size_t columns = static_cast<std::size_t>(
      std::max<Index>(1, std::min<Index>(options_.columns, static_cast<Index>(panels_.size()))));
  const std::size_t rows = (panels_.size() + columns - 1) / columns;
  // A column is as wide as its widest panel, and a row as high as its highest panel.
  std::vector<double> widths(columns, 60), heights(rows, 60), lefts(columns, kLeft), bars(columns, 0);
  auto size = [&](const Panel& p) {
    const double ratio = p.width_to_height();
    return ratio >= 1 ? Point{options_.panel_size, options_.panel_size / ratio}
                      : Point{options_.panel_size * ratio, options_.panel_size};
  };
  for (std::size_t i = 0; i < panels_.size(); ++i) {
    if (!panels_[i]) continue;
    const Point s = size(*panels_[i]);
    widths[i % columns] = std::max(widths[i % columns], s.x),
               heights[i / columns] = std::max(heights[i / columns], s.y);
    lefts[i % columns] = std::max(lefts[i % columns], panels_[i]->left_of(s.y));
    bars[i % columns] = std::max(bars[i % columns], panels_[i]->right_of(s.y));
  }
  const double title = options_.title.empty() ? 4 : kTitle;
  double width = 0, height = title;
  for (std::size_t j = 0; j < columns; ++j) width += lefts[j] + widths[j] + kRight + bars[j];
  for (double h : heights) height += kTop + h + kBottom;
  const TextStyle heading{.size = 14, .bold = true, .across = Across::middle};
  width = std::ceil(std::max(width, text_width(options_.title, heading) + 20)), height = std::ceil(height);

  Canvas canvas(format, width, height, options_.scale, options_.title);
  if (!options_.title.empty()) canvas.text({width / 2, title / 2 + 2}, options_.title, heading);
  double top = title;
  for (std::size_t r = 0; r < rows; ++r) {
    double left = 0;
    for (std::size_t j = 0; j < columns && r * columns + j < panels_.size(); ++j) {
      const auto& panel = panels_[r * columns + j];
      if (panel) {
        const Point s = size(*panel);
        panel->paint(canvas, {left + lefts[j], top + kTop, s.x, s.y});
      }
      left += lefts[j] + widths[j] + kRight + bars[j];
    }
    top += kTop + heights[r] + kBottom;
  }
  const std::string bytes = canvas.finish();
  ReplaceFile file(path);
  {
    std::ofstream out(file.path(), std::ios::binary);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    out.close();
    if (!out) throw_cannot_write(path);
  }
  file.commit();
}

}  // namespace pathline::plot

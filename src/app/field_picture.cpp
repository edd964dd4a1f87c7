#include "app/field_picture.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "app/cell_means.hpp"
#include "app/grid.hpp"
#include "app/progress_line.hpp"
#include "pathline/flow/path.hpp"
#include "verify/continuity.hpp"

namespace pathline {
namespace {

constexpr double kSeen = 1e-3;        // of the highest density, above which a point has an arrow
constexpr Index kRangeDraws = 2000;   // that give the range
constexpr Index kResidualCells = 40;  // of a side: each needs several solves at a tolerance of 1e-11
constexpr Index kPart = 4096, kResidualPart = 400;  // points between two lines of progress

// The range of the paths of the draws from the base to the data, without the outermost thousandth.
plot::Range field_span(const std::vector<Matrix<double>>& along, Index row) {
  std::vector<double> all;
  for (const auto& points : along)
    for (const double v : points.row(row))
      if (std::isfinite(v)) all.push_back(v);
  if (all.empty()) return {-4, 4};
  std::sort(all.begin(), all.end());
  const double low = all[all.size() / 1000], high = all[all.size() - 1 - all.size() / 1000];
  const double pad = high > low ? 0.04 * (high - low) : 0.5;
  return {low - pad, high + pad};
}

struct Panels {
  const Flow<double>& flow;
  const FieldPicture& what;
  const EvaluationOptions& options;
  plot::Range x, y;

  Grid grid(Index cells) const { return Grid({{x.low, x.high, cells}, {y.low, y.high, cells}}); }
  Matrix<double> conditions(Index n) const { return what.condition.replicate(1, what.condition.rows() > 0 ? n : 1); }
  RowVector<double> log_density(double t, const Matrix<double>& points) const {
    return flow.log_prob_at(t, points, conditions(points.cols()), options).log_prob;
  }
  // The values of f at all points, computed in parts, with progress behind `before` points.
  template <class F> RowVector<double> in_parts(const Matrix<double>& points, Index part, ProgressLine& progress,
                                                Index before, const F& f) const {
    RowVector<double> out(points.cols());
    for (Index first = 0; first < points.cols(); first += part) {
      const Index n = std::min(part, points.cols() - first);
      out.segment(first, n) = f(Matrix<double>(points.middleCols(first, n)));
      progress(before + first + n);
    }
    return out;
  }
  plot::Axis axis(int i) const {
    return {.label = what.columns[static_cast<std::size_t>(i)], .limits = i == 0 ? x : y};
  }
};

// The points of a coarse grid that have an arrow at a time, with the velocity there.
struct Velocities {
  Matrix<double> points, velocity;  // 2 x n
};

Velocities velocities(const Panels& p, double t) {
  const Grid grid = p.grid(p.what.arrows);
  const Matrix<double> all = grid.points(0, grid.size());
  const RowVector<double> log_density = p.log_density(t, all);
  const double least = log_density.maxCoeff() + std::log(kSeen);
  std::vector<Index> seen;
  for (Index i = 0; i < all.cols(); ++i)
    if (log_density[i] >= least) seen.push_back(i);
  Velocities out;
  out.points = all(Eigen::all, seen);
  out.velocity = velocity_at(p.flow, t, out.points, p.conditions(out.points.cols()));
  return out;
}

// The length of an arrow per unit of velocity.
double arrow_scale(const Panels& p, const std::vector<Velocities>& all) {
  const double wide = (p.x.high - p.x.low) / static_cast<double>(p.what.arrows),
               high = (p.y.high - p.y.low) / static_cast<double>(p.what.arrows);
  std::vector<double> lengths;  // in cells
  for (const auto& v : all)
    for (Index i = 0; i < v.points.cols(); ++i)
      lengths.push_back(std::hypot(v.velocity(0, i) / wide, v.velocity(1, i) / high));
  std::erase_if(lengths, [](double l) { return !std::isfinite(l); });
  if (lengths.empty()) return 1;
  std::sort(lengths.begin(), lengths.end());
  const double most = lengths[(lengths.size() - 1) * 98 / 100];
  return most > 0 ? 1 / most : 1;
}

std::vector<plot::Arrow> arrows(const Velocities& v, double scale) {
  std::vector<plot::Arrow> out;
  for (Index i = 0; i < v.points.cols(); ++i) {
    const double dx = scale * v.velocity(0, i), dy = scale * v.velocity(1, i);
    out.push_back({v.points(0, i) - dx / 2, v.points(1, i) - dy / 2, dx, dy});
  }
  return out;
}

// The residuals and log-densities of the centres of a coarse grid at a time.
struct Residuals {
  RowVector<double> residual, log_density;
};

Residuals residuals(const Panels& p, double t, ProgressLine& progress, Index before) {
  const Grid grid = p.grid(kResidualCells);
  const Matrix<double> points = grid.points(0, grid.size());
  Flow<double> line = p.flow;
  line.set_periods({});
  const Subject subject{.flow = line, .threads = p.options.threads};
  return {
      p.in_parts(points, kResidualPart, progress, before,
                 [&](const Matrix<double>& x) { return continuity_residual(subject, t, x, p.conditions(x.cols())); }),
      p.log_density(t, points)};
}

void add_residual(plot::Figure& figure, const Panels& p, const Residuals& r) {
  const double least = r.log_density.maxCoeff() + std::log(kSeen);
  std::vector<double> seen;
  Matrix<double> image(kResidualCells, kResidualCells);
  for (Index i = 0; i < r.residual.size(); ++i) {
    image.data()[i] = std::log10(std::max(r.residual[i], 1e-16));
    if (r.log_density[i] >= least) seen.push_back(r.residual[i]);
  }
  figure.value_map(fmt::format("residual: 90 % below {:.1e}", ninth_decile(seen)), {std::move(image), p.x, p.y},
                   {-12, 0}, "log10 of the residual", p.axis(0), p.axis(1));
}

}  // namespace

plot::Figure field_figure(const Flow<double>& flow, const FieldPicture& what, const EvaluationOptions& options) {
  auto fast = options;
  fast.density = false;
  Panels panels{.flow = flow, .what = what, .options = options, .x = {}, .y = {}};
  std::vector<Matrix<double>> along;
  const auto c = panels.conditions(kRangeDraws);
  flow.trajectory(flow.draw_base(kRangeDraws, what.seed, fast.tile, 0, c), what.times, along, fast, c);
  panels.x = field_span(along, 0), panels.y = field_span(along, 1);

  std::vector<Velocities> all;
  for (const double t : what.times) all.push_back(velocities(panels, t));
  const double scale = arrow_scale(panels, all);
  const Index count = std::ssize(what.times);
  plot::Figure figure({.title = what.title, .columns = what.residual ? 2 : count, .width = what.width});
  const Grid grid = panels.grid(what.cells);
  const Matrix<double> points = grid.points(0, grid.size());
  std::vector<RowVector<double>> densities;
  {
    ProgressLine progress(what.quiet, "densities", count * points.cols());
    for (const double t : what.times) {
      const auto at_time = [&](const Matrix<double>& x) { return panels.log_density(t, x); };
      densities.push_back(panels.in_parts(points, kPart, progress, std::ssize(densities) * points.cols(), at_time));
      average_steep_cells(grid, densities.back(), at_time);
    }
  }
  ProgressLine progress(what.quiet, "residuals", count * kResidualCells * kResidualCells);
  for (std::size_t k = 0; k < what.times.size(); ++k) {
    figure.heat_map(fmt::format("t = {:.3g}", what.times[k]),
                    {ConstMatrixMap<double>(densities[k].data(), what.cells, what.cells), panels.x, panels.y},
                    panels.axis(0), panels.axis(1), {}, arrows(all[k], scale),
                    what.residual ? plot::Bar::shown : plot::Bar::hidden);
    if (what.residual)
      add_residual(figure, panels,
                   residuals(panels, what.times[k], progress, static_cast<Index>(k) * kResidualCells * kResidualCells));
  }
  return figure;
}

}  // namespace pathline

#include "app/cell_means.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace pathline {
namespace {

constexpr Index kPoints = 64;              // of a steep cell, at which its density is evaluated
const double kSteep = std::log(4.0);       // between the log-densities of two neighbours
const double kUnseen = -std::log(1000.0);  // relative to the highest log-density

// The largest difference between the log-density of a cell and those of its two neighbours along an axis.
double difference(const RowVector<double>& log_density, Index cell, Index stride, Index count) {
  const Index place = cell / stride % count;
  double out = 0;
  for (const Index step : {Index{-1}, Index{1}}) {
    if (place + step < 0 || place + step >= count) continue;
    const double d = std::abs(log_density(cell + step * stride) - log_density(cell));
    if (std::isfinite(d)) out = std::max(out, d);
  }
  return out;
}

// The cells that are steep, unless their density is too low to be seen: a log-density that is concave in the cell rises
// from the centre to the edge by at most half of the difference.
std::vector<Index> steep_cells(const Grid& grid, const RowVector<double>& log_density) {
  const double least = log_density.maxCoeff() + kUnseen;
  std::vector<Index> out;
  for (Index cell = 0; cell < log_density.size(); ++cell) {
    double steepest = 0, highest = log_density(cell);
    Index stride = 1;
    for (const auto& axis : grid.axes()) {
      const double d = difference(log_density, cell, stride, axis.count);
      steepest = std::max(steepest, d), highest += d / 2, stride *= axis.count;
    }
    if (steepest > kSteep && highest > least) out.push_back(cell);
  }
  return out;
}

// The centres of the parts of a cell, of which there are equally many along each axis.
Matrix<double> parts_of(const Grid& grid, Index cell) {
  const auto dim = std::ssize(grid.axes());
  const Matrix<double> centre = grid.points(cell, 1);
  std::vector<Grid::Axis> parts;
  for (Index k = 0; k < dim; ++k) {
    const double half = grid.axes()[static_cast<std::size_t>(k)].step() / 2;
    parts.push_back({centre(k) - half, centre(k) + half, dim == 1 ? kPoints : std::lround(std::sqrt(kPoints))});
  }
  return Grid(parts).points(0, kPoints);
}

}  // namespace

void average_steep_cells(const Grid& grid, RowVector<double>& log_density, const LogDensityOf& log_density_of) {
  const auto cells = steep_cells(grid, log_density);
  if (cells.empty()) return;
  Matrix<double> points(std::ssize(grid.axes()), kPoints * std::ssize(cells));
  for (std::size_t i = 0; i < cells.size(); ++i)
    points.middleCols(static_cast<Index>(i) * kPoints, kPoints) = parts_of(grid, cells[i]);
  const RowVector<double> fine = log_density_of(points);
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const auto of_cell = fine.segment(static_cast<Index>(i) * kPoints, kPoints);
    const double highest = of_cell.maxCoeff();
    if (std::isfinite(highest)) log_density(cells[i]) = highest + std::log((of_cell.array() - highest).exp().mean());
  }
}

}  // namespace pathline

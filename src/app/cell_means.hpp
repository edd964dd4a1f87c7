// Densities averaged over the cells of an image, where a cell is too wide for its centre to stand for it.
#pragma once

#include <functional>

#include "app/grid.hpp"

namespace pathline {

// The log-densities of points, d x n, whose coordinates are those of the grid's axes.
using LogDensityOf = std::function<RowVector<double>(const Matrix<double>&)>;

// Replaces the log-densities at the centres of a grid of one or two axes by those of the means over the cells where the
// density varies by more than a factor of 4 between neighbours. A ridge narrower than a cell would otherwise look
// broken: bright where it passes through a centre and dark where it passes between two.
void average_steep_cells(const Grid& grid, RowVector<double>& log_density, const LogDensityOf& log_density_of);

}  // namespace pathline

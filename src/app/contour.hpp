// Contours of a density on a grid, and the levels that enclose a given fraction of its mass.
#pragma once

#include <vector>

#include "app/canvas.hpp"
#include "pathline/core/types.hpp"

namespace pathline::plot {

// The density above which the densest cells hold the part `mass` of the whole: the region of highest density (Hyndman
// 1996). density: >= 0, cells of equal size. 0 for a density without mass.
double highest_density_level(const Matrix<double>& density, double mass);

// The closed curves around the region where the density is above the level, by marching squares between the centres of
// the cells. Cell (i, j) has its centre at (i + 0.5, j + 0.5); outside of the grid the density is 0, so that every
// curve is closed.
std::vector<std::vector<Point>> contour(const Matrix<double>& density, double level);

}  // namespace pathline::plot

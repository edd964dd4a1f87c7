// A corner plot: the distribution of each column on the diagonal, and the regions of highest density of each pair
// below.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/canvas.hpp"
#include "app/smooth_density.hpp"
#include "pathline/app/axis.hpp"

namespace pathline::plot {

// Samples of one distribution: the columns of the plot as rows.
struct CornerSamples {
  std::string label;
  Matrix<double> points = {};      // d x N
  RowVector<double> weights = {};  // 1 x N, or empty for equal ones
  Colour colour = {};
};

struct CornerColumn {
  std::string label;
  Range range;  // of the axis: low < high, and > 0 on a log axis
  Scale scale = Scale::linear;
  Ends ends = Ends::open;
  bool discrete = false;
  std::optional<double> truth = {};  // marked in every panel of the column
};

struct Corner {
  std::string title = {};
  double width = 800;  // px of the whole
  std::vector<CornerColumn> columns;
  CornerSamples model;                     // drawn as lines
  std::optional<CornerSamples> data = {};  // drawn filled, under the model
};

// The bytes of the file.
std::string draw_corner(const Corner& corner, Format format);

}  // namespace pathline::plot

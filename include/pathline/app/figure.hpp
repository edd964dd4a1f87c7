/// \file
/// Figures for a paper: panels of points, densities, curves and histograms, as PNG, SVG or PDF.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pathline/app/axis.hpp"
#include "pathline/app/colour_map.hpp"
#include "pathline/core/types.hpp"

namespace pathline::plot {

/// Points of one kind. A colour that is not given is the next of line_colour.
struct Cloud {
  std::string label = {};      ///< in the legend; "" is not listed
  Matrix<double> points = {};  ///< 2 x N; one that is not finite is left out
  std::optional<Colour> colour = {};
};

/// A curve; a NaN breaks it.
struct Series {
  std::string label = {};
  std::vector<double> x = {}, y = {};  ///< of one length
  std::optional<Colour> colour = {};
  bool dots = false;  ///< a dot at each point, too
  bool line = true;   ///< false: no line, for observed points
};

/// From (x, y) to (x + dx, y + dy), in the units of the axes.
struct Arrow {
  double x, y, dx, dy;
};

/// log p at the centres of a regular grid.
struct DensityImage {
  Matrix<double> log_density;  ///< nx x ny, nats; column 0 lowest. -inf is the lowest colour, NaN grey
  Range x, y;                  ///< of the cells' outer edges
};

/// Numbers of any kind at the centres of a regular grid.
struct ValueImage {
  Matrix<double> values;  ///< nx x ny; column 0 lowest. NaN is grey
  Range x, y;             ///< of the cells' outer edges
};

struct FigureOptions {
  std::string title = {};
  Index columns = 4;        ///< panels in a row, >= 1; fewer where they would be too small to be read
  double panel_size = 240;  ///< px (1/96 inch): the longer side of a panel
  double width = 0;         ///< px: of all, in place of panel_size; 0: as the panels need, several at most 800
  double scale = 2;         ///< pixels of a PNG per px
};

/// equal: a unit of x is as long as one of y, where that leaves a panel of sensible shape (else square).
enum class Aspect { equal, square };

enum class Bar { shown, hidden };  ///< the colour bar of an image

class Panel;

/// Panels fill the figure row by row in the order they are added.
class Figure {
 public:
  explicit Figure(FigureOptions options = {}) : options_(std::move(options)) {}

  void scatter(const std::string& title, std::vector<Cloud> clouds, Axis x = {}, Axis y = {},
               Aspect aspect = Aspect::equal);
  /// p of an image with its colour bar; highest: the density of the brightest colour, that of the image by default. An
  /// arrow over the bar says that the image goes beyond it. Arrows of a vector field may lie over the image.
  void heat_map(const std::string& title, DensityImage image, Axis x = {}, Axis y = {},
                std::optional<double> highest = {}, std::vector<Arrow> arrows = {}, Bar bar = Bar::shown);
  /// The difference of two densities at the cells of an image, with its colour bar: white where they are equal.
  void difference_map(const std::string& title, ValueImage difference, Axis x = {}, Axis y = {});
  /// Values from the lowest to the highest colour, with a bar that has this label.
  void value_map(const std::string& title, ValueImage image, Range colours, const std::string& label, Axis x = {},
                 Axis y = {});
  /// Curves with a grey dot where each starts, an arrow half-way and a dot where it ends; and curves alone. Lines of
  /// more than four names have their legend beside them.
  void paths(const std::string& title, std::vector<Series> series, Axis x = {}, Axis y = {});
  void lines(const std::string& title, std::vector<Series> series, Axis x = {}, Axis y = {});
  /// Values as bars of area 1 (Freedman and Diaconis 1981), more of them as outlines, and curves over them.
  void histogram(const std::string& title, std::vector<std::pair<std::string, std::vector<double>>> samples,
                 std::vector<Series> curves = {}, Axis x = {}, Axis y = {});
  void blank();
  /// The next panel is the first of a row.
  void start_row() { starts_.push_back(panels_.size()); }
  /// Dashed lines at values of x and y in the panel that was added last.
  void mark(std::optional<double> x, std::optional<double> y);

  /// The file is replaced whole or not at all. InputError if the suffix is not .png, .svg or .pdf or it cannot be
  /// written.
  void save(const std::string& path) const;
  /// What save(path) writes.
  [[nodiscard]] std::string bytes(const std::string& path) const;

 private:
  struct Layout;
  Layout lay_out(std::size_t columns, double panel_size) const;
  Layout fitted_to(double width, std::size_t columns) const;
  Layout lay_out() const;
  std::size_t longest_row() const;

  FigureOptions options_;
  std::vector<std::size_t> starts_;                   ///< panels that are the first of a row
  std::vector<std::shared_ptr<const Panel>> panels_;  ///< null: blank
};

/// InputError for a suffix that save() would refuse.
void check_figure_name(const std::string& path);

}  // namespace pathline::plot

// One panel of a figure, with its contents and its axes.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "app/canvas.hpp"
#include "app/ticks.hpp"
#include "pathline/app/figure.hpp"

namespace pathline::plot {

// Maps data to positions on the page.
struct Frame {
  Box box;
  Range x, y;
  bool log_x = false, log_y = false;
  Point at(double px, double py) const;
};

class Panel {
 public:
  struct ColourBar {
    double highest;          // density of the brightest colour
    bool exceeded = false;   // whether a part of the image is above it
    double lowest = 0;       // of the darkest colour
    bool diverging = false;  // colours of values below and above 0
    std::string label = "density";
    Range range() const { return {lowest, highest > lowest ? highest : lowest + 1}; }
  };
  struct Entry {
    std::string label;
    Colour colour;
    bool dot = false;  // instead of a line
  };

  std::string title;
  Axis x_axis, y_axis;
  Range x, y;          // resolved; y without the room of the legend
  bool equal = false;  // whether x and y have the same scale
  double shape = 1;    // width : height, unless `equal`
  std::vector<Entry> legend;
  bool legend_beside = false;  // on the right of the panel instead of inside
  bool legend_above = false;   // inside, in room above the highest value
  std::optional<ColourBar> bar;
  std::function<void(Canvas&, const Frame&)> draw;

  double width_to_height() const;
  double left_of(double height) const;               // width of the labels of y in px, for a panel of this height
  double right_of(double height) const;              // width of the colour bar, or of a legend beside the panel
  void paint(Canvas& canvas, const Box& box) const;  // box: the area of the data, without labels

 private:
  Range y_range(double height) const;
  ShortTicks y_ticks(double height) const;
  std::vector<Tick> bar_ticks(double height) const;
  double legend_width() const;
  double legend_height() const;
  void paint_axes(Canvas& canvas, const Frame& frame) const;
  void paint_legend(Canvas& canvas, const Frame& frame) const;
  void paint_bar(Canvas& canvas, const Frame& frame) const;
};

}  // namespace pathline::plot

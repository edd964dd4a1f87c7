// The labels of a short axis.
#pragma once

#include <vector>

#include "app/canvas.hpp"
#include "app/ticks.hpp"

namespace pathline::plot {

// The ticks of an axis, those whose labels fit beside each other, and whether these are written upward.
struct AxisLabels {
  ShortTicks ticks = {};
  std::vector<bool> shown = {};  // of each tick
  bool upward = false;

  Index count() const;
  double widest(const TextStyle& style) const;  // px, of the labels that are shown
};

enum class Side { below, beside };

// As many labels as fit along an axis of this length in px, two at least where that is possible. No two touch, none
// reaches over an end by more than 1.5 px, and on a linear axis only those next to the ends are left out.
AxisLabels axis_labels(const Range& range, Scale scale, double length, Side side, const TextStyle& style);

}  // namespace pathline::plot

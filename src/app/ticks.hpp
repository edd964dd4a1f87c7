// Where an axis has its ticks, and what they say.
#pragma once

#include <string>
#include <vector>

#include "pathline/app/axis.hpp"

namespace pathline::plot {

struct Tick {
  double value;
  std::string label;  // "" on a minor tick
};

// At most `most` (>= 1) labelled ticks, inside the range and ascending: at multiples of 1, 2 or 5 times a power of
// ten; on a log axis at 1, 2, 5 or at powers of ten, with minor ticks between, if it spans enough for them.
std::vector<Tick> make_ticks(const Range& range, Scale scale, int most);

// The smallest range that holds the values that an axis can show (finite, below 1e300, > 0 on a log axis), widened by
// `padding` of its length at both ends; a range around it if it has no length, and around nothing if it is empty.
Range range_of(const std::vector<double>& values, Scale scale, double padding);

}  // namespace pathline::plot

// The positions and labels of the ticks of an axis.
#pragma once

#include <string>
#include <vector>

#include "pathline/app/axis.hpp"

namespace pathline::plot {

struct Tick {
  double value;
  std::string label;  // "" on a minor tick
};

// Returns at most `most` (>= 1) labelled ticks inside the range in ascending order, at multiples of 1, 2 or 5 times a
// power of ten; at multiples of 3 or 4 times one, where those are fewer than two. A log axis that is long enough has
// them at 1, 2, 5 or at powers of ten, with minor ticks between.
std::vector<Tick> make_ticks(const Range& range, Scale scale, int most);

// Ticks whose labels are short: their common factor and offset follow the name of the axis.
struct ShortTicks {
  std::vector<Tick> ticks;
  std::string unit;  // "×10⁻¹²", "+1700000000", or both; "" where the labels are the values
};
ShortTicks short_ticks(const Range& range, Scale scale, int most);

// Returns the smallest range with all values that an axis can show (finite, below 1e300, > 0 on a log axis), widened by
// `padding` times its length at both ends. A range without length is widened, and no values give a default range.
Range range_of(const std::vector<double>& values, Scale scale, double padding);

}  // namespace pathline::plot

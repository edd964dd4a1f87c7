/// \file
/// Colours for numbers, and for lines.
#pragma once

#include "pathline/core/types.hpp"

namespace pathline::plot {

struct Colour {
  double red = 0, green = 0, blue = 0, alpha = 1;  ///< sRGB, each in [0, 1]
  bool operator==(const Colour&) const = default;
};

/// What viridis is at t, clamped to [0, 1]: equal steps of t look equally far apart, in grey and to the colour-blind
/// too (Smith, van der Walt 2015, matplotlib; CC0). A neutral grey, which viridis does not hold, where t is NaN.
[[nodiscard]] Colour viridis(double t);

/// Blue below 0, white at 0 and vermillion above, of t clamped to [-1, 1]: two colours that the colour-blind can tell
/// apart, darker the farther from 0. A neutral grey where t is NaN.
[[nodiscard]] Colour diverging(double t);

/// The i-th of seven colours that the colour-blind can tell apart (Okabe, Ito 2008), i >= 0; again from the first after
/// the last.
[[nodiscard]] Colour line_colour(Index i);

}  // namespace pathline::plot

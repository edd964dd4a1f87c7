// Formats numbers for printing.
#pragma once

#include <string>
#include <string_view>

#include "pathline/core/types.hpp"

namespace pathline {

// Returns "2.3919", and of a number of more than seven digits "1.657e+57".
std::string four_decimals(double value);

// Returns "2.3919 +- 0.0074", without the error if it is not known (for one value), or "not known" for a NaN.
std::string with_error(double value, double error, std::string_view sign = "+-");

// "a mixture of 3 Gaussians".
std::string mixture_text(Index components);

}  // namespace pathline

// Numbers as they are printed.
#pragma once

#include <string>
#include <string_view>

namespace pathline {

// "2.3919 +- 0.0074"; without the error where it is not known, as of one value; "not known" for a NaN.
std::string with_error(double value, double error, std::string_view sign = "+-");

}  // namespace pathline

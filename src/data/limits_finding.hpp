// Bounds and periods that the values of a column suggest.
#pragma once

#include <string>

#include "pathline/core/types.hpp"

namespace pathline {

// A sentence with the option to pass if the column fills one turn with the same density at both ends, or ends abruptly
// instead of thinning out; empty otherwise, and with fewer than 100 rows.
std::string limits_finding(const RowVector<double>& x, const std::string& name);

// The same of a column of integers, which ends abruptly at a lowest or highest value that is frequent.
std::string count_finding(const RowVector<double>& x, const std::string& name);

}  // namespace pathline

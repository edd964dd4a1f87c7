/// \file
/// The bounds and the periods of columns, in the user's units.
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "pathline/core/types.hpp"

namespace pathline {

/// All values of a column lie in [low, high]. An infinite end is no bound.
struct ColumnBounds {
  std::string column;
  double low = -std::numeric_limits<double>::infinity(), high = std::numeric_limits<double>::infinity();
};

/// A column repeats after `length`, and its values are given in [start, start + length). Without a start it is 0, or
/// -length / 2 where all values lie in [-length / 2, length / 2] and some are negative.
struct ColumnPeriod {
  std::string column;
  double length = 1;
  std::optional<double> start = {};
};

/// Reads "mass=60:" (a lower bound), "mass=:120" (an upper bound) or "cos_theta=-1:1" (both). An end is a number, which
/// may be a multiple or a fraction of pi: "2pi", "-pi/2". Throws InputError for any other text, low >= high, and a
/// column that is named twice.
[[nodiscard]] std::vector<ColumnBounds> parse_bounds(const std::vector<std::string>& texts);

/// Reads "phi=2pi" or "phi=360" (a length), or "phi=-pi:pi" (one period from its start to its end); numbers as above.
/// Throws InputError for any other text, a length that is not above 0, and a column that is named twice.
[[nodiscard]] std::vector<ColumnPeriod> parse_periods(const std::vector<std::string>& texts);

/// The place of a column among these names, or by its number from 1 if no column has this name; -1 if there is none.
/// Columns without names are x1, x2, ...; dim: the number of columns.
[[nodiscard]] Index find_column(const std::string& column, const std::vector<std::string>& names, Index dim);

}  // namespace pathline

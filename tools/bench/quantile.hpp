// Quantiles of measured times.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

// The value with a share q of the others below it. q: in [0, 1]; values: at least one.
inline double quantile(std::vector<double> values, double q) {
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(q * static_cast<double>(values.size() - 1))];
}

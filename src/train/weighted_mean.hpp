// Weighted means.
#pragma once

#include "pathline/core/types.hpp"

namespace pathline {

// weights: one for each value, not all 0; empty: all values have the same weight.
inline double weighted_mean(const RowVector<double>& values, const Vector<double>& weights) {
  return weights.size() > 0 ? values.dot(weights.transpose()) / weights.sum() : values.mean();
}

}  // namespace pathline

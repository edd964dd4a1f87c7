// The periodic images of the points of a tile, over which a wrapped density is summed: see Periods.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "pathline/transform/transform.hpp"

namespace pathline {

// The context of a tile for those of its points that have an image. condition: holds theirs.
template <class S> TransformContext<S> context_of(const std::vector<Index>& points, const TransformContext<S>& tile,
                                                  Matrix<S>& condition) {
  condition = tile.condition.rows() > 0 ? Matrix<S>(tile.condition(Eigen::all, points)) : Matrix<S>(0, 0);
  return {tile.scratch, tile.options, condition, tile.first_sample, tile.probes};
}

// log(e^a + e^b); NaN if a or b is NaN.
inline double log_add(double a, double b) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (a == -kInfinity) return b;
  if (b == -kInfinity) return a;
  return std::max(a, b) + std::log1p(std::exp(-std::abs(a - b)));
}

}  // namespace pathline

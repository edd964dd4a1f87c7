// Takes some of many rows, evenly spaced.
#pragma once

#include <vector>

#include "pathline/train/training_data.hpp"

namespace pathline {

// At most `most` of the numbers 0 ... n - 1, evenly spaced; all of them if most is 0.
inline std::vector<Index> spaced_rows(Index n, Index most) {
  const Index step = most > 0 && n > most ? (n + most - 1) / most : 1;
  std::vector<Index> out;
  for (Index i = 0; i < n; i += step) out.push_back(i);
  return out;
}

// At most `most` of the points, evenly spaced, and the same of their weights (empty: all are 1); all if most is 0.
template <class Weights>
TrainingData::Points spaced_points(const TrainingData::Points& all, Index most, Weights& weights) {
  const auto some = spaced_rows(all.x.cols(), most);
  if (weights.size() > 0) weights = Weights(weights(some));
  return {all.x(Eigen::all, some), all.c(Eigen::all, some)};
}

}  // namespace pathline

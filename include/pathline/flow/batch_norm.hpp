// FFJORD's moving batch norm: an affine map with the running statistics of what it has seen in training.
#pragma once

#include "pathline/core/types.hpp"

namespace pathline {

// From the data to the base: y = (x - mean) / sqrt(variance + epsilon) * exp(log_weight) + bias (Grathwohl et al. 2019,
// their MovingBatchNorm with bn_lag = 0: training too divides by the running statistics, which are constants of the
// gradient). FFJORD calls log_weight `weight`.
struct BatchNorm {
  explicit BatchNorm(Index dim = 0);

  Vector<double> mean, variance;      // d: running
  Vector<double> log_weight, bias;    // d: trained
  double epsilon = 1e-4, decay = 0.1;

  Vector<double> slope() const;  // dy/dx, d
  Vector<double> shift() const;  // y = slope x + shift
  double log_slope() const;      // log |det dy/dx|

  // mean and variance of a batch of n >= 2 move the running ones; the variance is sum of squares / (n - 1).
  void update(const Vector<double>& batch_mean, const Vector<double>& batch_variance);
};

}  // namespace pathline

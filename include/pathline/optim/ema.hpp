/// \file
/// Exponential moving average of the weights.
#pragma once

#include "pathline/core/types.hpp"

namespace pathline {

struct EmaState {
  Vector<double> average;  ///< P
  Index updates = 0;       ///< number of updates so far
};

/// average <- a average + (1 - a) theta with a = min(decay, (1 + n) / (10 + n)) after n updates, as in
/// tf.train.ExponentialMovingAverage with num_updates = n. The early iterates are therefore forgotten quickly.
class Ema {
 public:
  /// decay must be in [0, 1); otherwise InputError is thrown. theta (P) is the average before any update.
  Ema(double decay, ConstVectorRef<double> theta);

  /// theta: P. The caller must pass finite values; Adam never produces others from a finite gradient.
  void update(ConstVectorRef<double> theta);

  const Vector<double>& average() const { return state_.average; }
  const EmaState& state() const { return state_; }
  /// throws InputError for another size, a value that is not finite, or a negative count
  void set_state(EmaState state);

 private:
  double decay_;
  EmaState state_;
};

}  // namespace pathline

// Exponential moving average of the weights.
#pragma once

#include "pathline/core/types.hpp"

namespace pathline {

struct EmaState {
  Vector<double> average;  // P
  Index updates = 0;       // so far
};

// average <- a average + (1 - a) theta with a = min(decay, (1 + n) / (10 + n)) after n updates, as
// tf.train.ExponentialMovingAverage with num_updates = n: the first iterates, far from the end, are soon forgotten.
class Ema {
 public:
  // decay: [0, 1), InputError otherwise. theta: P, the average before any update.
  Ema(double decay, ConstVectorRef<double> theta);

  // theta: P. One that is not finite is the caller's to keep away: Adam does not make one of a finite gradient.
  void update(ConstVectorRef<double> theta);

  const Vector<double>& average() const { return state_.average; }
  const EmaState& state() const { return state_; }
  void set_state(EmaState state);  // InputError for another size, a value that is not finite, or a negative count

 private:
  double decay_;
  EmaState state_;
};

}  // namespace pathline

// Adam (Kingma & Ba 2015, algorithm 1) and AdamW (Loshchilov & Hutter 2019, algorithm 2).
#pragma once

#include "pathline/core/types.hpp"

namespace pathline {

struct AdamOptions {
  // What weight_decay does. l2: adds weight_decay * theta to the gradient, as torch.optim.Adam. decoupled: shrinks
  // theta by 1 - learning_rate * weight_decay beside the step, as torch.optim.AdamW.
  enum class Decay { l2, decoupled };

  double learning_rate = 1e-3;  // > 0: of a step that is not given one
  double beta1 = 0.9;           // [0, 1): memory of the gradient's mean
  double beta2 = 0.999;         // [0, 1): memory of its square's mean
  double epsilon = 1e-8;        // > 0: added to the root of the corrected second moment
  double weight_decay = 0;      // >= 0
  Decay decay = Decay::l2;
};

// All that a step leaves behind. A run that is resumed with it is bitwise the run that was not interrupted.
struct AdamState {
  Vector<double> m, v;  // P: moving means of the gradient and of its square, not yet corrected for their start at 0
  Index steps = 0;      // taken so far
};

class Adam {
 public:
  // For P = size parameters. decays: P, 1 where weight_decay acts and 0 where it does not (biases); empty: everywhere.
  // InputError for an option out of its range or decays of another size.
  explicit Adam(Index size, const AdamOptions& options = {}, ConstVectorRef<double> decays = Vector<double>());

  // One step. theta: P, changed in place; gradient: P; learning_rate: >= 0 and finite. NumericalError for a gradient
  // that is not finite: theta and the state are then as before.
  void step(VectorRef<double> theta, ConstVectorRef<double> gradient, double learning_rate);
  void step(VectorRef<double> theta, ConstVectorRef<double> gradient) { step(theta, gradient, options_.learning_rate); }

  const AdamOptions& options() const { return options_; }
  const AdamState& state() const { return state_; }
  // InputError for another size, a value that is not finite, a negative v or a negative count.
  void set_state(AdamState state);

 private:
  AdamOptions options_;
  Vector<double> decay_;  // P: weight_decay where it acts, 0 elsewhere
  AdamState state_;
};

}  // namespace pathline

/// \file
/// Adam (Kingma & Ba 2015, algorithm 1) and AdamW (Loshchilov & Hutter 2019, algorithm 2).
#pragma once

#include <string>
#include <vector>

#include "pathline/core/types.hpp"

namespace pathline {

struct AdamOptions {
  /// How weight_decay acts. l2 adds weight_decay * theta to the gradient, as torch.optim.Adam does. decoupled
  /// multiplies theta by 1 - learning_rate * weight_decay beside the step, as torch.optim.AdamW does.
  enum class Decay { l2, decoupled };
  static const std::vector<std::string>& decay_names();  ///< adam, adamw: the names of the methods

  double learning_rate = 1e-3;  ///< > 0: used by step() without a learning rate
  double beta1 = 0.9;           ///< [0, 1): decay rate of the first moment
  double beta2 = 0.999;         ///< [0, 1): decay rate of the second moment
  double epsilon = 1e-8;        ///< > 0: added to the square root of the corrected second moment
  double weight_decay = 0;      ///< >= 0
  Decay decay = Decay::l2;
};

/// The state that a step leaves for the next one. A run resumed with it continues bit for bit as if never interrupted.
struct AdamState {
  Vector<double> m, v;  ///< P: moving averages of the gradient and its square, before bias correction
  Index steps = 0;      ///< number of steps taken
};

class Adam {
 public:
  /// For P = size parameters. decays (P) is 1 where weight_decay acts and 0 where it does not (biases); an empty vector
  /// means everywhere. Throws InputError for an option out of its range and for decays of another size.
  explicit Adam(Index size, const AdamOptions& options = {}, ConstVectorRef<double> decays = Vector<double>());

  /// Makes one step. theta (P) is changed in place; gradient: P; learning_rate: >= 0 and finite. Throws NumericalError
  /// for a gradient that is not finite and then leaves theta and the state unchanged.
  void step(VectorRef<double> theta, ConstVectorRef<double> gradient, double learning_rate);
  void step(VectorRef<double> theta, ConstVectorRef<double> gradient) { step(theta, gradient, options_.learning_rate); }

  const AdamOptions& options() const { return options_; }
  const AdamState& state() const { return state_; }
  /// Throws InputError for another size, a value that is not finite, a negative v or a negative count.
  void set_state(AdamState state);

 private:
  AdamOptions options_;
  Vector<double> decay_;  ///< P: weight_decay where it acts, 0 elsewhere
  AdamState state_;
};

}  // namespace pathline

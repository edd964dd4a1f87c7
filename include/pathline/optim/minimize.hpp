/// \file
/// The loop of an optimizer over any differentiable loss.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "pathline/optim/adam.hpp"
#include "pathline/optim/schedule.hpp"

namespace pathline {

enum class OptimizerKind { adam, gradient_descent };
[[nodiscard]] OptimizerKind parse_optimizer(const std::string& name);  ///< InputError with the allowed names
[[nodiscard]] const std::vector<std::string>& optimizer_names();

struct MinimizeOptions {
  OptimizerKind optimizer = OptimizerKind::adam;
  Index iterations = 1000;  ///< >= 0
  double learning_rate = 1e-2;
  Schedule::Kind schedule = Schedule::Kind::constant;  ///< cosine falls to 0 over the iterations
  double weight_decay = 0;                             ///< >= 0, decoupled from the gradient (AdamW); of Adam only
  double clip = 0;                                     ///< >= 0: largest norm of the gradient; 0: no limit
  /// Called after each iteration with its number, from 1, and the loss before the step.
  std::function<void(Index iteration, double loss)> progress = {};
};

/// Returns the loss at theta and writes its gradient (P). iteration counts from 0 and chooses the batch.
using LossGradient = std::function<double(Index iteration, const Vector<double>& theta, Vector<double>& gradient)>;

/// Changes theta (P) step by step and returns the loss before each step. decays (P) is 1 where weight_decay acts; empty
/// means everywhere. Throws InputError for an option out of its range, and NumericalError, naming the iteration, for a
/// loss or gradient that is not finite; theta is then the last one for which both were finite.
std::vector<double> minimize(Vector<double>& theta, const LossGradient& loss, const MinimizeOptions& options,
                             ConstVectorRef<double> decays = Vector<double>());

}  // namespace pathline

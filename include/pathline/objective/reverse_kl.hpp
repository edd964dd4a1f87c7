/// \file
/// KL(q || p) of a flow q to a target p that is known up to a constant, and its path gradient.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "pathline/objective/nll_gradient.hpp"
#include "pathline/objective/target.hpp"

namespace pathline {

/// The loss is the mean of log q(x) - log p~(x) over draws x of q, that is KL(q || p) - log Z. theta is the path
/// gradient: x depends on theta, log q at a fixed x does not. This drops a term of mean 0, and the gradient of every
/// draw vanishes where q = p (Roeder et al. 2017; Vaitl et al. 2022 for continuous flows).
struct ReverseKlGradient {
  double loss = 0;
  Vector<double> theta;              ///< gradient with respect to Flow::theta(); 0 for the base
  /// means over the tiles: the solve to the data, the one back for log q, and both adjoints
  double nfe = 0, backward_nfe = 0;
};

/// The flow needs a normal base, or another smooth base that is not trained, and no batch norm, logit or condition.
template <class S> class ReverseKlSolver {
 public:
  /// The options are those of the likelihood with the discrete adjoint and no regularizer; InputError for others.
  ReverseKlSolver(Target target, const GradientOptions& options);
  ~ReverseKlSolver();

  void check(const Flow<S>& flow) const;  ///< InputError for a flow that does not fit

  /// Uses n fresh draws, a function of (options.seed, iteration). With power < 1 the target is the tempered p~^power,
  /// whose modes are connected. The result is bitwise the same for any number of threads. Throws InputError for a flow
  /// that does not fit, and NumericalError if a solve fails or the target is not finite at a draw.
  ReverseKlGradient operator()(const Flow<S>& flow, Index n, std::uint64_t iteration, double power = 1);

  /// As in NllGradientSolver, for the solves that give log q.
  const std::vector<double>& first_steps() const;
  void set_first_steps(std::vector<double> steps);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

extern template class ReverseKlSolver<float>;
extern template class ReverseKlSolver<double>;

}  // namespace pathline

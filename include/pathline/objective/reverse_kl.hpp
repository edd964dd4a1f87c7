/// \file
/// KL(q || p) of a flow q to a target p known up to its constant, and its gradient along the path.
#pragma once

#include <memory>

#include "pathline/objective/nll_gradient.hpp"
#include "pathline/objective/target.hpp"

namespace pathline {

/// loss: the mean of log q(x) - log p~(x) over draws x of q: KL(q || p) - log Z. theta is the path gradient: x moves
/// with theta, log q at a fixed x does not, which drops a term of mean 0 and makes the gradient of every draw vanish
/// where q = p (Roeder et al. 2017; of continuous flows, Vaitl et al. 2022).
struct ReverseKlGradient {
  double loss = 0;
  Vector<double> theta;              ///< of all of Flow::theta(); 0 for the base
  double nfe = 0, backward_nfe = 0;  ///< means over the tiles: out to the data, back for log q, and both adjoints
};

/// Needs a normal base, or another smooth one that is not trained; no batch norm, logit or condition.
template <class S> class ReverseKlSolver {
 public:
  /// options: as the likelihood's, with the discrete adjoint and no regularizer. InputError for others.
  ReverseKlSolver(Target target, const GradientOptions& options);
  ~ReverseKlSolver();

  void check(const Flow<S>& flow) const;  ///< InputError for a flow that does not fit

  /// n fresh draws of (options.seed, iteration). power: KL to p~^power instead, a tempered target whose modes are
  /// joined. Bitwise the same on any number of threads. InputError for a flow that does not fit; NumericalError if a
  /// solve fails or the target is not finite at a draw.
  ReverseKlGradient operator()(const Flow<S>& flow, Index n, std::uint64_t iteration, double power = 1);

  /// As NllGradientSolver's, of the solves for log q.
  const std::vector<double>& first_steps() const;
  void set_first_steps(std::vector<double> steps);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

extern template class ReverseKlSolver<float>;
extern template class ReverseKlSolver<double>;

}  // namespace pathline

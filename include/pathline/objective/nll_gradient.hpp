/// \file
/// The negative log-likelihood of a batch and its gradient, by one of three adjoint strategies.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "pathline/flow/flow.hpp"
#include "pathline/objective/regularizer.hpp"

namespace pathline {

struct GradientOptions {
  SolverOptions solver = {};  ///< discrete: a Runge-Kutta method; not bulirsch_stoer or adams_bashforth_moulton
  TraceOptions trace = {};
  AdjointKind adjoint = AdjointKind::discrete;
  RegularizerWeights regularizers = {};
  std::uint64_t seed = 0;       ///< seed of Hutchinson's probes
  /// Selects the probes, as the seed does, in nll_gradient and check_gradient; NllGradientSolver and the objectives
  /// take the iteration as an argument and refuse another number than 0 here.
  std::uint64_t iteration = 0;
  Index tile = 50;              ///< number of samples solved together; 0: tiles of one size, at most 64 samples each
  bool parameters = true;       ///< false: the gradient of theta stays 0, which is cheaper
  bool base = true;             ///< false: the gradient of the parameters of the base stays 0, which is cheaper
  int threads = 1;              ///< >= 0, 0: one per core. Results do not depend on it, bit for bit
};

/// The mean over the batch of -log p, in nats, plus the regularizers, with its gradients.
struct NllGradient {
  double nll = 0;                           ///< without the regularizers
  double penalty = 0;                       ///< weighted mean of the regularizers
  Vector<double> theta;                     ///< gradient with respect to Flow::theta()
  /// gradient with respect to the end times of each transform that solves an ODE
  std::vector<EndTimes> ends;
  Matrix<double> z;                         ///< d x N: gradient with respect to the standardized data
  Matrix<double> condition;                 ///< dc x N: gradient with respect to the standardized condition
  std::vector<BatchStatistics> statistics;  ///< of the input of each transform of the chain, for Chain::update
  SolveReport report;                       ///< of the forward solves, summed over the tiles
  SolveReport backward;              ///< evaluations on the way back; a status and steps of its own with backsolve
                                     ///< and checkpointed
  double nfe = 0, backward_nfe = 0;  ///< means over the tiles
};

/// Keeps the memory of every thread between calls, so that solving allocates nothing after the first call with a batch
/// of the same size and number of steps.
template <class S> class NllGradientSolver {
 public:
  explicit NllGradientSolver(const GradientOptions& options);  ///< throws InputError for an option out of range
  ~NllGradientSolver();
  NllGradientSolver(NllGradientSolver&&) noexcept;

  /// x is d x N, c is dc x N. Tiles run on several threads and their gradients are added in a fixed order, so the
  /// result is bitwise the same for any number of threads. Throws NumericalError with advice if a solve fails.
  NllGradient operator()(const Flow<S>& flow, ConstMatrixRef<double> x, ConstMatrixRef<double> c,
                         std::uint64_t iteration);

  /// The first step that each solve of the last call accepted, block by block within each tile. The next call begins
  /// with it instead of Hairer's estimate, which costs an evaluation. It is the only state between calls, so a run that
  /// is to continue bit for bit must store it. An entry of 0, or none, stands for the estimate.
  const std::vector<double>& first_steps() const;
  void set_first_steps(std::vector<double> steps);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// x: d x N, c: dc x N; leave c out for a flow without a condition.
template <class S>
[[nodiscard]] NllGradient nll_gradient(const Flow<S>& flow, ConstMatrixRef<double> x,
                                       ConstMatrixRef<double> c = Matrix<double>(0, 0),
                                       const GradientOptions& options = {});

extern template NllGradient nll_gradient<float>(const Flow<float>&, ConstMatrixRef<double>, ConstMatrixRef<double>,
                                                const GradientOptions&);
extern template NllGradient nll_gradient<double>(const Flow<double>&, ConstMatrixRef<double>, ConstMatrixRef<double>,
                                                 const GradientOptions&);
extern template class NllGradientSolver<float>;
extern template class NllGradientSolver<double>;

}  // namespace pathline

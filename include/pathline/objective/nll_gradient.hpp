/// \file
/// The negative log-likelihood of a batch and its gradient, by one of three adjoint strategies.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "pathline/flow/flow.hpp"
#include "pathline/objective/regularizer.hpp"

namespace pathline {

struct GradientOptions {
  SolverOptions solver;  ///< discrete: a Runge-Kutta method; not bulirsch_stoer or adams_bashforth_moulton
  TraceOptions trace = {};
  AdjointKind adjoint = AdjointKind::discrete;
  RegularizerWeights regularizers = {};
  std::uint64_t seed = 0;       ///< of the probes
  std::uint64_t iteration = 0;  ///< of the probes
  Index tile = 50;              ///< samples solved together; 0: tiles of one size, at most 64 samples each
  bool parameters = true;       ///< false: theta is left 0, which is cheaper
  bool base = true;             ///< false: the base is not trained; its part of theta is left 0
};

/// Of the mean over the batch of -log p, nats, plus the regularizers.
struct NllGradient {
  double nll = 0;                           ///< without the regularizers
  double penalty = 0;                       ///< the regularizers' mean, weighted
  Vector<double> theta;                     ///< of all of Flow::theta()
  std::vector<EndTimes> ends;               ///< of each transform that solves: by the times of its two ends
  Matrix<double> z;                         ///< d x N: by the standardized data
  Matrix<double> condition;                 ///< dc x N
  std::vector<BatchStatistics> statistics;  ///< what each of the chain's transforms saw, for Chain::update
  SolveReport report;                       ///< forward, sums over the tiles
  SolveReport backward;              ///< evaluations on the way back; a status and steps of its own with backsolve
                                     ///< and checkpointed
  double nfe = 0, backward_nfe = 0;  ///< means over the tiles
};

/// Holds the memory of every thread between calls: after the first call with a batch of some size and a number of
/// steps, solving allocates nothing.
template <class S> class NllGradientSolver {
 public:
  explicit NllGradientSolver(const GradientOptions& options);  ///< InputError for an option out of its range
  ~NllGradientSolver();
  NllGradientSolver(NllGradientSolver&&) noexcept;

  /// x: d x N, c: dc x N. Tiles run on the threads; their gradients are added in tile order, so the result is bitwise
  /// the same on any number. NumericalError with advice if a solve fails.
  NllGradient operator()(const Flow<S>& flow, ConstMatrixRef<double> x, ConstMatrixRef<double> c,
                         std::uint64_t iteration);

  /// The first step that each solve of the last call accepted, a tile's blocks one after the other: the next call
  /// begins with it instead of Hairer's estimate, which costs an evaluation. It is all that a call leaves for the next,
  /// so a run that is to go on bitwise keeps it. 0, or no entry: the estimate.
  const std::vector<double>& first_steps() const;
  void set_first_steps(std::vector<double> steps);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

template <class S> NllGradient nll_gradient(const Flow<S>& flow, ConstMatrixRef<double> x, ConstMatrixRef<double> c,
                                            const GradientOptions& options = {});

extern template NllGradient nll_gradient<float>(const Flow<float>&, ConstMatrixRef<double>, ConstMatrixRef<double>,
                                                const GradientOptions&);
extern template NllGradient nll_gradient<double>(const Flow<double>&, ConstMatrixRef<double>, ConstMatrixRef<double>,
                                                 const GradientOptions&);
extern template class NllGradientSolver<float>;
extern template class NllGradientSolver<double>;

}  // namespace pathline

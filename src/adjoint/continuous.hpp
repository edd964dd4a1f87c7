// The continuous adjoint: its differential equation is solved from t1 back to t0.
#pragma once

#include "adjoint/block_problem.hpp"

namespace pathline {

template <class S> class ContinuousAdjoint {
 public:
  explicit ContinuousAdjoint(const SolverOptions& options) : solver_(options) {}

  const SolverOptions& options() const { return solver_.options(); }
  // z1: d x B, the end of the forward solve. If tape is null, z is solved backwards from z1; otherwise z is reset at
  // every forward step to the state on the tape.
  SolveReport reverse(const BlockProblem<S>& problem, const Matrix<S>& z1, const Tape<S>* tape, BlockCotangent<S>& to,
                      Workspace<S>& w);

 private:
  double end_rate(const BlockProblem<S>& problem, double t, ConstMatrixRef<S> z, ConstMatrixRef<S> a, Workspace<S>& w);
  Solver<S> solver_;
  State<S> state_, node_;
};

extern template class ContinuousAdjoint<float>;
extern template class ContinuousAdjoint<double>;

}  // namespace pathline

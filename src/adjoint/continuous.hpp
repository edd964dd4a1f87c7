// The adjoint equation, solved back along the path.
#pragma once

#include "adjoint/block_problem.hpp"

namespace pathline {

template <class S> class ContinuousAdjoint {
 public:
  explicit ContinuousAdjoint(const SolverOptions& options) : solver_(options) {}

  const SolverOptions& options() const { return solver_.options(); }
  // z1: d x B, where the forward solve ended. tape: null to solve z back from there; else z is set to what the tape
  // holds at every forward step.
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

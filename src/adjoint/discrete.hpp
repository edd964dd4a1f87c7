// The exact reverse of accepted Runge-Kutta steps.
#pragma once

#include "adjoint/block_problem.hpp"

namespace pathline {

template <class S> class DiscreteAdjoint {
 public:
  // The report has the evaluations of the field; it cannot fail. to.t0 and to.t1 hold every step to be a fixed fraction
  // of t1 - t0.
  SolveReport reverse(const BlockProblem<S>& problem, const Tableau& tableau, const Tape<S>& tape,
                      BlockCotangent<S>& to, Workspace<S>& w);

 private:
  Index reverse_step(const BlockProblem<S>& problem, const Tableau& tableau, const typename Tape<S>::Entry& step,
                     BlockCotangent<S>& to, Workspace<S>& w);
  std::vector<Matrix<S>> stage_, k_, stage_bar_;  // a stage each, d x B
  Matrix<S> k_bar_, f_, start_bar_;
  Vector<S> product_;  // of the trace's method, with any number of rows
};

extern template class DiscreteAdjoint<float>;
extern template class DiscreteAdjoint<double>;

}  // namespace pathline

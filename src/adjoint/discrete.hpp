// The exact reverse of accepted Runge-Kutta steps.
#pragma once

#include "adjoint/block_problem.hpp"
#include "pathline/ode/tableau.hpp"

namespace pathline {

template <class S> class DiscreteAdjoint {
 public:
  // The tape has the rates of the stages: it was cleared with the tableau. Cannot fail; the report counts the
  // evaluations of the field. The gradients to.t0 and to.t1 take every step as a fixed fraction of t1 - t0.
  SolveReport reverse(const BlockProblem<S>& problem, const Tableau& tableau, const Tape<S>& tape,
                      BlockCotangent<S>& to, Workspace<S>& w);

 private:
  Index reverse_step(const BlockProblem<S>& problem, const Tableau& tableau, const typename Tape<S>::Entry& step,
                     BlockCotangent<S>& to, Workspace<S>& w);
  std::vector<Matrix<S>> stage_, stage_bar_;  // one matrix per stage, d x B
  Matrix<S> k_bar_, f_, start_bar_;
  Vector<S> product_;  // the product of the trace method
};

extern template class DiscreteAdjoint<float>;
extern template class DiscreteAdjoint<double>;

}  // namespace pathline

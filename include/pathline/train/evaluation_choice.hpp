/// \file
/// Chooses how a trained flow is solved, by the error of its log-densities in nats.
#pragma once

#include "pathline/flow/flow.hpp"

namespace pathline {

struct EvaluationChoice {
  SolverOptions solver;
  double error = 0;  ///< mean of |log p - log p of the reference| over the points, nats
  double nfe = 0;
};

/// The solver with the fewest evaluations of the field whose mean error is at most max_error > 0 nats, among candidates
/// from one step of Euler's method to dopri5 at 1e-6; the last one if none is. The reference is dopri5 at a tolerance of
/// 1e-7 (float: 1e-6) with the exact trace. x: d x N, c: dc x N, of which the first 256 are used; N >= 1. The result is
/// a function of the flow and the points alone. Throws NumericalError if the reference fails.
template <class S> [[nodiscard]] EvaluationChoice choose_evaluation(const Flow<S>& flow, ConstMatrixRef<double> x,
                                                                    ConstMatrixRef<double> c, double max_error,
                                                                    int threads = 1);

extern template EvaluationChoice choose_evaluation<float>(const Flow<float>&, ConstMatrixRef<double>,
                                                          ConstMatrixRef<double>, double, int);
extern template EvaluationChoice choose_evaluation<double>(const Flow<double>&, ConstMatrixRef<double>,
                                                           ConstMatrixRef<double>, double, int);

}  // namespace pathline

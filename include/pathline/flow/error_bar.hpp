/// \file
/// Log-densities with a bar on the error of each.
#pragma once

#include "pathline/flow/flow.hpp"

namespace pathline {

/// Log-densities, each with a bar on its distance from the exact one: that of the same parameters in exact arithmetic,
/// without an error of the solver, and with the exact trace.
struct BarredLogProb {
  RowVector<double> log_prob;  ///< 1 x N, nats; bit for bit those of Flow::log_prob
  RowVector<double> error;     ///< 1 x N, nats: the bar. Infinite for a log-density that is not finite, 0 for p = 0
  SolveReport report;          ///< of both solves
  double nfe = 0;              ///< of both solves, as LogProb::nfe
};

/// Evaluates the density twice, the second time at four times the tolerance (or with half the fixed steps), at 0.8 (0.5)
/// of the cost of the first. The bar of a point is
///
///     2 max(D, median of D over its tile) + eps (1 + |log p0(z)| + |log det|)
///     D = |change of log det| + sqrt(sum_i (dlog p0/dz_i change of z_i)^2)
///
/// The parts of D do not cancel as those of the change of log p do, the median stands in where all of them are small by
/// chance, and the last term is rounding. With Hutchinson's trace, D is the change of log p, the second time with other
/// probes, and the median is a root mean square. tools/bench/README.md has how many points the bars cover, and how wide
/// they are. Throws as Flow::log_prob.
template <class S> [[nodiscard]] BarredLogProb log_prob_with_error(const Flow<S>& flow, ConstMatrixRef<double> x,
                                                                   ConstMatrixRef<double> c = Matrix<double>(0, 0),
                                                                   const EvaluationOptions& options = {});

/// The same, but evaluates the points whose bar exceeds max_error again, each time at a tenth of the tolerance and finally
/// in double, down to 1e-12. Where that does not suffice, the best value remains, and its bar shows it. single: the same
/// flow in float, to begin with; null begins in double. max_error: nats, > 0; the trace has to be exact.
[[nodiscard]] BarredLogProb log_prob_within(double max_error, const Flow<double>& flow, const Flow<float>* single,
                                            ConstMatrixRef<double> x, ConstMatrixRef<double> c = Matrix<double>(0, 0),
                                            const EvaluationOptions& options = {});

extern template BarredLogProb log_prob_with_error<float>(const Flow<float>&, ConstMatrixRef<double>,
                                                         ConstMatrixRef<double>, const EvaluationOptions&);
extern template BarredLogProb log_prob_with_error<double>(const Flow<double>&, ConstMatrixRef<double>,
                                                          ConstMatrixRef<double>, const EvaluationOptions&);

}  // namespace pathline

// How well a flow fits points that it was not trained on.
#pragma once

#include <optional>

#include "pathline/flow/flow.hpp"

namespace pathline {

struct Evaluation {
  double nll = 0, nll_error = 0;  // mean of -log p, nats, and its standard error
  std::optional<double> kl, kl_error;  // KL(data || model), nats: mean of log p_data - log p, and its standard error
  double nfe = 0;
  Index points = 0;
};

// x: d x N, c: dc x N; log_density: of the data itself at x, where it is known. NumericalError as Flow::log_prob.
template <class S>
Evaluation evaluate(const Flow<S>& flow, ConstMatrixRef<double> x, ConstMatrixRef<double> c,
                    const EvaluationOptions& options, const std::optional<RowVector<double>>& log_density = {});

struct MeanError {
  double mean = 0, error = 0;  // the standard error of the mean; 0 for one value
};
MeanError mean_error(const RowVector<double>& values);

extern template Evaluation evaluate<float>(const Flow<float>&, ConstMatrixRef<double>, ConstMatrixRef<double>,
                                           const EvaluationOptions&, const std::optional<RowVector<double>>&);
extern template Evaluation evaluate<double>(const Flow<double>&, ConstMatrixRef<double>, ConstMatrixRef<double>,
                                            const EvaluationOptions&, const std::optional<RowVector<double>>&);

}  // namespace pathline

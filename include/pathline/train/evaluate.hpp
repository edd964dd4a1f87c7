// How well a flow fits points that it was not trained on.
#pragma once

#include <optional>

#include "pathline/flow/flow.hpp"
#include "pathline/objective/target.hpp"

namespace pathline {

struct Evaluation {
  double nll = 0, nll_error = 0;  // mean of -log p, nats, and its standard error
  std::optional<double> kl, kl_error;  // KL(data || model), nats: mean of log p_data - log p, and its standard error
  double nfe = 0;
  Index points = 0;
  std::optional<double> ess, log_z, log_z_error;  // of a target: see evaluate_target
};

// x: d x N, c: dc x N; log_density: of the data itself at x, where it is known. NumericalError as Flow::log_prob.
template <class S>
Evaluation evaluate(const Flow<S>& flow, ConstMatrixRef<double> x, ConstMatrixRef<double> c,
                    const EvaluationOptions& options, const std::optional<RowVector<double>>& log_density = {});

// n draws of q weighted by w = p~ / q: nll is the mean of log q - log p~, which is KL(q || p) - log Z; ess the effective
// sample size (sum w)^2 / sum w^2 (Kong 1992) over n, in (0, 1]; log_z the logarithm of the mean weight, its error by the
// weights' own spread. A mode that q has no draw in is in neither.
template <class S>
Evaluation evaluate_target(const Flow<S>& flow, const Target& target, Index n, std::uint64_t seed,
                           const EvaluationOptions& options);

struct MeanError {
  double mean = 0, error = 0;  // the standard error of the mean; 0 for one value
};
MeanError mean_error(const RowVector<double>& values);

extern template Evaluation evaluate_target<float>(const Flow<float>&, const Target&, Index, std::uint64_t,
                                                  const EvaluationOptions&);
extern template Evaluation evaluate_target<double>(const Flow<double>&, const Target&, Index, std::uint64_t,
                                                   const EvaluationOptions&);
extern template Evaluation evaluate<float>(const Flow<float>&, ConstMatrixRef<double>, ConstMatrixRef<double>,
                                           const EvaluationOptions&, const std::optional<RowVector<double>>&);
extern template Evaluation evaluate<double>(const Flow<double>&, ConstMatrixRef<double>, ConstMatrixRef<double>,
                                            const EvaluationOptions&, const std::optional<RowVector<double>>&);

}  // namespace pathline

#include "pathline/train/evaluate.hpp"

#include <cmath>

namespace pathline {

MeanError mean_error(const RowVector<double>& values) {
  const double n = static_cast<double>(values.size());
  if (n < 1) return {std::nan(""), std::nan("")};
  const double mean = values.mean();
  return {mean, n > 1 ? std::sqrt((values.array() - mean).square().sum() / (n * (n - 1))) : 0};
}

template <class S>
Evaluation evaluate(const Flow<S>& flow, ConstMatrixRef<double> x, ConstMatrixRef<double> c,
                    const EvaluationOptions& options, const std::optional<RowVector<double>>& log_density) {
  const auto got = flow.log_prob(x, c, options);
  const auto nll = mean_error(-got.log_prob);
  Evaluation out{.nll = nll.mean, .nll_error = nll.error, .kl = {}, .kl_error = {}, .nfe = got.nfe, .points = x.cols()};
  if (log_density) {
    const auto kl = mean_error(*log_density - got.log_prob);
    out.kl = kl.mean, out.kl_error = kl.error;
  }
  return out;
}

template Evaluation evaluate<float>(const Flow<float>&, ConstMatrixRef<double>, ConstMatrixRef<double>,
                                    const EvaluationOptions&, const std::optional<RowVector<double>>&);
template Evaluation evaluate<double>(const Flow<double>&, ConstMatrixRef<double>, ConstMatrixRef<double>,
                                     const EvaluationOptions&, const std::optional<RowVector<double>>&);

}  // namespace pathline

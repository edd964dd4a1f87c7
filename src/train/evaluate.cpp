#include "pathline/train/evaluate.hpp"

#include <algorithm>
#include <cmath>

#include "dataset/log_sum_exp.hpp"

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

template <class S>
Evaluation evaluate_target(const Flow<S>& flow, const Target& target, Index n, std::uint64_t seed,
                           const EvaluationOptions& options) {
  const auto drawn = flow.sample(n, seed, options);
  const RowVector<double> log_weight = target.log_density(drawn.points, nullptr) - drawn.log_prob;
  const auto bound = mean_error(-log_weight);
  Evaluation out{.nll = bound.mean, .nll_error = bound.error, .kl = {}, .kl_error = {}, .nfe = drawn.nfe, .points = n};
  const double count = static_cast<double>(n), log_sum = log_sum_exp(log_weight.array());
  out.ess = std::exp(2 * log_sum - log_sum_exp(2 * log_weight.array())) / count;
  out.log_z = log_sum - std::log(count);
  out.log_z_error = std::sqrt(std::max(0.0, 1 / *out.ess - 1) / count);
  if (target.log_z) out.kl = bound.mean + *target.log_z, out.kl_error = bound.error;  // KL(q || p)
  return out;
}

template Evaluation evaluate_target<float>(const Flow<float>&, const Target&, Index, std::uint64_t,
                                           const EvaluationOptions&);
template Evaluation evaluate_target<double>(const Flow<double>&, const Target&, Index, std::uint64_t,
                                            const EvaluationOptions&);
template Evaluation evaluate<float>(const Flow<float>&, ConstMatrixRef<double>, ConstMatrixRef<double>,
                                    const EvaluationOptions&, const std::optional<RowVector<double>>&);
template Evaluation evaluate<double>(const Flow<double>&, ConstMatrixRef<double>, ConstMatrixRef<double>,
                                     const EvaluationOptions&, const std::optional<RowVector<double>>&);

}  // namespace pathline

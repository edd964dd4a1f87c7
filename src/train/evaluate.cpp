#include "pathline/train/evaluate.hpp"

#include <algorithm>
#include <cmath>

#include "core/log_sum_exp.hpp"
#include "pathline/core/error.hpp"

namespace pathline {
namespace {

// The logarithm of the mean weight, and its error by the weights' spread: sqrt((1 / ess - 1) / n).
struct WeightSum {
  double ess, log_mean, error;
  explicit WeightSum(const RowVector<double>& log_weight) {
    const double n = static_cast<double>(log_weight.size()), log_sum = log_sum_exp(log_weight.array());
    ess = std::exp(2 * log_sum - log_sum_exp(2 * log_weight.array())) / n;
    log_mean = log_sum - std::log(n);
    error = n > 1 ? std::sqrt(std::max(0.0, 1 / ess - 1) / n) : std::nan("");
  }
};

}  // namespace

MeanError mean_error(const RowVector<double>& values) {
  const double n = static_cast<double>(values.size());
  if (n < 1) return {std::nan(""), std::nan("")};
  const double mean = values.mean();
  return {mean, n > 1 ? std::sqrt((values.array() - mean).square().sum() / (n * (n - 1))) : std::nan("")};
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
  const WeightSum weights(log_weight);
  out.ess = weights.ess, out.log_z = weights.log_mean, out.log_z_error = weights.error;
  if (target.log_z) out.kl = bound.mean + *target.log_z, out.kl_error = bound.error;  // KL(q || p)
  return out;
}

template <class S>
void find_lost_mass(const Flow<S>& flow, const Target& target, Index n, std::uint64_t seed,
                    const EvaluationOptions& options, Evaluation& e) {
  constexpr double kWider = 3;
  const Index half = n / 2, d = flow.dim();
  if (half < 1) return;
  Engine engine = make_stream(seed, "evaluate.wide");
  Matrix<double> z(d, half), x(d, 2 * half);
  fill_normal<double>(engine, z);
  x << flow.sample(half, seed, options).points,
      ((kWider * z).array().colwise() * flow.scale().array()).matrix().colwise() + flow.mean();
  RowVector<double> q;
  try {
    q = flow.log_prob(x, Matrix<double>(0, 2 * half), options).log_prob;
  } catch (const NumericalError&) {
    return;
  }
  const Matrix<double> standard = (x.colwise() - flow.mean()).array().colwise() / (kWider * flow.scale().array());
  const RowVector<double> wide =
      standard_normal_log_density<double>(standard).array() - (kWider * flow.scale().array()).log().sum();
  const RowVector<double> top = q.cwiseMax(wide), p = target.log_density(x, nullptr);
  const RowVector<double> mixture =
      top.array() + (0.5 * (q - top).array().exp() + 0.5 * (wide - top).array().exp()).log();
  const WeightSum weights(p - mixture);
  e.wide_log_z = weights.log_mean, e.wide_log_z_error = weights.error;
}

bool has_lost_mass(const Evaluation& e) {
  if (!e.wide_log_z) return false;
  return *e.wide_log_z - *e.log_z > 0.01 + 4 * std::hypot(*e.wide_log_z_error, *e.log_z_error);
}

template void find_lost_mass<float>(const Flow<float>&, const Target&, Index, std::uint64_t, const EvaluationOptions&,
                                    Evaluation&);
template void find_lost_mass<double>(const Flow<double>&, const Target&, Index, std::uint64_t, const EvaluationOptions&,
                                     Evaluation&);
template Evaluation evaluate_target<float>(const Flow<float>&, const Target&, Index, std::uint64_t,
                                           const EvaluationOptions&);
template Evaluation evaluate_target<double>(const Flow<double>&, const Target&, Index, std::uint64_t,
                                            const EvaluationOptions&);
template Evaluation evaluate<float>(const Flow<float>&, ConstMatrixRef<double>, ConstMatrixRef<double>,
                                    const EvaluationOptions&, const std::optional<RowVector<double>>&);
template Evaluation evaluate<double>(const Flow<double>&, ConstMatrixRef<double>, ConstMatrixRef<double>,
                                     const EvaluationOptions&, const std::optional<RowVector<double>>&);

}  // namespace pathline

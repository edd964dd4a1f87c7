#include "pathline/train/evaluate.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "pathline/core/error.hpp"
#include "pathline/core/importance_weights.hpp"

namespace pathline {
namespace {

// Nats below the median from which on a point counts as far away: a Gaussian has about exp(-50) of its mass there.
constexpr double kFarNats = 50;

std::optional<FarPoints> far_points(const RowVector<double>& log_prob, const RowVector<double>& weights) {
  if (log_prob.size() < 3) return std::nullopt;
  RowVector<double> sorted = log_prob;
  const auto middle = sorted.begin() + sorted.size() / 2;
  std::nth_element(sorted.begin(), middle, sorted.end());
  std::vector<Index> near;
  for (Index i = 0; i < log_prob.size(); ++i)
    if (log_prob[i] > *middle - kFarNats) near.push_back(i);
  const Index far = log_prob.size() - std::ssize(near);
  if (far == 0 || far > std::max<Index>(1, log_prob.size() / 100)) return std::nullopt;
  const RowVector<double> kept = -log_prob(near);
  const auto nll = mean_error(kept, weights.size() > 0 ? RowVector<double>(weights(near)) : weights);
  return FarPoints{far, nll.mean, nll.error};
}

}  // namespace

Evaluation evaluation_of(const RowVector<double>& log_prob, double nfe,
                         const std::optional<RowVector<double>>& log_density, const RowVector<double>& weights) {
  const auto nll = mean_error(-log_prob, weights);
  Evaluation out{
      .nll = nll.mean, .nll_error = nll.error, .kl = {}, .kl_error = {}, .nfe = nfe, .points = log_prob.size()};
  if (log_density) {
    const auto kl = mean_error(*log_density - log_prob, weights);
    out.kl = kl.mean, out.kl_error = kl.error;
  }
  out.far = far_points(log_prob, weights);
  return out;
}

// The weighted mean and the standard error of this ratio estimator: the residuals about the mean, each with its share of
// the weight (Owen 2013, Monte Carlo theory, methods and examples, eq. 9.9), with n / (n - 1), so that equal weights give
// the usual error.
MeanError weighted_mean_error(const RowVector<double>& values, const RowVector<double>& weights) {
  const double sum = weights.sum();
  double mean = 0, squares = 0, n = 0;
  for (Index i = 0; i < values.size(); ++i)  // a point of weight 0 does not count, even if its value is not finite
    if (weights(i) > 0) mean += weights(i) / sum * values(i), ++n;
  for (Index i = 0; i < values.size(); ++i)
    if (weights(i) > 0) squares += std::pow(weights(i) / sum * (values(i) - mean), 2);
  if (n < 1) return {std::nan(""), std::nan("")};
  return {mean, n > 1 ? std::sqrt(squares * n / (n - 1)) : std::nan("")};
}

MeanError mean_error(const RowVector<double>& values, const RowVector<double>& weights) {
  if (weights.size() > 0) return weighted_mean_error(values, weights);
  const double n = static_cast<double>(values.size());
  if (n < 1) return {std::nan(""), std::nan("")};
  const double mean = values.mean();
  return {mean, n > 1 ? std::sqrt((values.array() - mean).square().sum() / (n * (n - 1))) : std::nan("")};
}

template <class S>
Evaluation evaluate(const Flow<S>& flow, ConstMatrixRef<double> x, ConstMatrixRef<double> c,
                    const EvaluationOptions& options, const std::optional<RowVector<double>>& log_density,
                    const RowVector<double>& weights) {
  const auto got = flow.log_prob(x, c, options);
  return evaluation_of(got.log_prob, got.nfe, log_density, weights);
}

template <class S> Evaluation evaluate_by_probes(const Flow<S>& flow, ConstMatrixRef<double> x,
                                                 ConstMatrixRef<double> c, const EvaluationOptions& options,
                                                 const std::optional<RowVector<double>>& log_density,
                                                 const RowVector<double>& weights) {
  auto other = options;
  other.seed = make_stream(options.seed, "evaluate.probes")();
  const auto first = flow.log_prob(x, c, options), second = flow.log_prob(x, c, other);
  auto out = evaluation_of((first.log_prob + second.log_prob) / 2, first.nfe + second.nfe, log_density, weights);
  out.trace_error = (first.log_prob - second.log_prob).norm() / (2 * static_cast<double>(x.cols()));
  return out;
}

template <class S>
Evaluation evaluate_target(const Flow<S>& flow, const Target& target, Index n, std::uint64_t seed,
                           const EvaluationOptions& options) {
  const auto drawn = flow.sample(n, seed, options);
  const RowVector<double> log_weight = target.log_density(drawn.points, nullptr) - drawn.log_prob;
  const auto bound = mean_error(-log_weight);
  Evaluation out{.nll = bound.mean, .nll_error = bound.error, .kl = {}, .kl_error = {}, .nfe = drawn.nfe, .points = n};
  const ImportanceWeights weights(log_weight);
  out.ess = weights.ess, out.log_z = weights.log_mean, out.log_z_error = weights.log_error;
  out.pareto_k = weights.shape;
  if (target.log_z) out.kl = bound.mean + *target.log_z, out.kl_error = bound.error;  // KL(q || p)
  return out;
}

template <class S> void check_for_lost_modes(const Flow<S>& flow, const Target& target, Index n, std::uint64_t seed,
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
  const ImportanceWeights weights(p - mixture);
  e.wide_log_z = weights.log_mean;
  e.wide_log_z_error = std::isnan(weights.log_error) ? weights.spread : weights.log_error;
}

bool has_lost_modes(const Evaluation& e) {
  if (!e.wide_log_z) return false;
  // If the error of log_z is not known, the spread of its weights stands in: a heavy tail must not hide a lost mode.
  const double own = std::isnan(*e.log_z_error)
                         ? std::sqrt(std::max(0.0, 1 / *e.ess - 1) / static_cast<double>(e.points))
                         : *e.log_z_error;
  return *e.wide_log_z - *e.log_z > 0.01 + 4 * std::hypot(*e.wide_log_z_error, own);
}

bool is_impossible_kl(double kl, double error) { return kl < -1e-3 - (std::isnan(error) ? 0 : 4 * error); }

template void check_for_lost_modes<float>(const Flow<float>&, const Target&, Index, std::uint64_t,
                                          const EvaluationOptions&, Evaluation&);
template void check_for_lost_modes<double>(const Flow<double>&, const Target&, Index, std::uint64_t,
                                           const EvaluationOptions&, Evaluation&);
template Evaluation evaluate_target<float>(const Flow<float>&, const Target&, Index, std::uint64_t,
                                           const EvaluationOptions&);
template Evaluation evaluate_target<double>(const Flow<double>&, const Target&, Index, std::uint64_t,
                                            const EvaluationOptions&);
template Evaluation evaluate_by_probes<float>(const Flow<float>&, ConstMatrixRef<double>, ConstMatrixRef<double>,
                                              const EvaluationOptions&, const std::optional<RowVector<double>>&,
                                              const RowVector<double>&);
template Evaluation evaluate_by_probes<double>(const Flow<double>&, ConstMatrixRef<double>, ConstMatrixRef<double>,
                                               const EvaluationOptions&, const std::optional<RowVector<double>>&,
                                              const RowVector<double>&);
template Evaluation evaluate<float>(const Flow<float>&, ConstMatrixRef<double>, ConstMatrixRef<double>,
                                    const EvaluationOptions&, const std::optional<RowVector<double>>&,
                                              const RowVector<double>&);
template Evaluation evaluate<double>(const Flow<double>&, ConstMatrixRef<double>, ConstMatrixRef<double>,
                                     const EvaluationOptions&, const std::optional<RowVector<double>>&,
                                              const RowVector<double>&);

}  // namespace pathline

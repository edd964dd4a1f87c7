/// \file
/// Measures how well a flow fits points that it was not trained on.
#pragma once

#include <cstdint>
#include <optional>

#include "pathline/flow/flow.hpp"
#include "pathline/objective/target.hpp"

namespace pathline {

/// Points whose log-density is more than 50 nats below the median, and what the NLL is without them.
struct FarPoints {
  Index points = 0;
  double nll = 0, nll_error = 0;
};

struct Evaluation {
  double nll = 0, nll_error = 0;       ///< mean of -log p, nats, and its standard error
  std::optional<double> kl, kl_error;  ///< KL(data || model), nats: mean of log p_data - log p, and its standard error
  double nfe = 0;
  Index points = 0;
  std::optional<double> ess = {}, log_z = {}, log_z_error = {};  ///< of a target: see evaluate_target
  std::optional<double> wide_log_z = {}, wide_log_z_error = {};  ///< of a target: see check_for_lost_modes
  std::optional<double> pareto_k = {};     ///< of a target: k-hat of the weights; see ImportanceWeights
  std::optional<FarPoints> far = {};       ///< if there are such points, but no more than 1 % (or one)
  std::optional<double> trace_error = {};  ///< of Hutchinson's trace: the part of nll_error that the probes cause
};

/// Evaluates log-densities (1 x N) that were computed before, with the mean NFE of their solves. With weights (1 x N,
/// >= 0) it gives weighted means with their standard errors; without, all samples have the same weight.
[[nodiscard]] Evaluation evaluation_of(const RowVector<double>& log_prob, double nfe,
                                       const std::optional<RowVector<double>>& log_density = {},
                                       const RowVector<double>& weights = {});

/// x: d x N, c: dc x N; log_density: of the data itself at x, where it is known. NumericalError as Flow::log_prob.
template <class S> [[nodiscard]] Evaluation evaluate(const Flow<S>& flow, ConstMatrixRef<double> x,
                                                     ConstMatrixRef<double> c, const EvaluationOptions& options,
                                                     const std::optional<RowVector<double>>& log_density = {},
                                                     const RowVector<double>& weights = {});

/// n draws of q weighted by w = p~ / q: nll is the mean of log q - log p~, which is KL(q || p) - log Z; ess the
/// effective sample size (sum w)^2 / sum w^2 (Kong 1992) over n, in (0, 1]; log_z the logarithm of the mean weight;
/// pareto_k the shape of the weights' tail, by which log_z_error is made, and NaN where the tail is too heavy for one
/// (see ImportanceWeights). A mode without a draw of q shows in none of these.
template <class S> [[nodiscard]] Evaluation evaluate_target(const Flow<S>& flow, const Target& target, Index n,
                                                            std::uint64_t seed, const EvaluationOptions& options);

/// Estimates log Z again, from draws of which half come from the flow and half from a Gaussian three times as wide as the
/// base, each weighted by p~ over the density of that mixture (Hesterberg 1995). If it differs from e.log_z, the flow has
/// lost a part of the target, which its own draws cannot show. Empty where the flow cannot be evaluated that far out. In
/// many dimensions it finds nothing, because hardly a draw of the Gaussian hits the target.
template <class S> void check_for_lost_modes(const Flow<S>& flow, const Target& target, Index n, std::uint64_t seed,
                                             const EvaluationOptions& options, Evaluation& e);
/// Whether wide_log_z exceeds log_z by more than 4 of their standard errors and 0.01 nats.
[[nodiscard]] bool has_lost_modes(const Evaluation& e);

/// Whether an estimate of a Kullback-Leibler divergence lies more than 4 standard errors and 1e-3 nats below 0. Then its
/// log-densities are wrong, as those of a solve that is too coarse, whose density does not integrate to 1.
[[nodiscard]] bool is_impossible_kl(double kl, double error);

/// Like evaluate, with Hutchinson's trace, of two independent sets of probes: their mean is the log-density, and what
/// they differ by determines trace_error.
template <class S> [[nodiscard]] Evaluation evaluate_by_probes(const Flow<S>& flow, ConstMatrixRef<double> x,
                                                               ConstMatrixRef<double> c,
                                                               const EvaluationOptions& options,
                                                               const std::optional<RowVector<double>>& log_density = {},
                                                               const RowVector<double>& weights = {});

struct MeanError {
  double mean = 0, error = 0;  ///< the standard error of the mean; NaN for one value
};
/// values: 1 x N. weights: 1 x N, >= 0; empty: equal weights.
[[nodiscard]] MeanError mean_error(const RowVector<double>& values, const RowVector<double>& weights = {});

extern template Evaluation evaluate_target<float>(const Flow<float>&, const Target&, Index, std::uint64_t,
                                                  const EvaluationOptions&);
extern template Evaluation evaluate_target<double>(const Flow<double>&, const Target&, Index, std::uint64_t,
                                                   const EvaluationOptions&);
extern template void check_for_lost_modes<float>(const Flow<float>&, const Target&, Index, std::uint64_t,
                                                 const EvaluationOptions&, Evaluation&);
extern template void check_for_lost_modes<double>(const Flow<double>&, const Target&, Index, std::uint64_t,
                                                  const EvaluationOptions&, Evaluation&);
extern template Evaluation evaluate_by_probes<float>(const Flow<float>&, ConstMatrixRef<double>, ConstMatrixRef<double>,
                                                     const EvaluationOptions&, const std::optional<RowVector<double>>&,
                                                     const RowVector<double>&);
extern template Evaluation evaluate_by_probes<double>(const Flow<double>&, ConstMatrixRef<double>,
                                                      ConstMatrixRef<double>, const EvaluationOptions&,
                                                      const std::optional<RowVector<double>>&,
                                                      const RowVector<double>&);
extern template Evaluation evaluate<float>(const Flow<float>&, ConstMatrixRef<double>, ConstMatrixRef<double>,
                                           const EvaluationOptions&, const std::optional<RowVector<double>>&,
                                                     const RowVector<double>&);
extern template Evaluation evaluate<double>(const Flow<double>&, ConstMatrixRef<double>, ConstMatrixRef<double>,
                                            const EvaluationOptions&, const std::optional<RowVector<double>>&,
                                                     const RowVector<double>&);

}  // namespace pathline

/// \file
/// Distillation of a continuous flow into coupling layers, whose density takes one evaluation instead of an ODE solve.
#pragma once

#include <cstdint>
#include <functional>

#include "pathline/flow/flow.hpp"
#include "pathline/transform/coupling_layer.hpp"

namespace pathline {

/// The value 0 for the number of layers, pairs or seconds or for the learning rate stands for that of with_defaults().
struct DistillOptions {
  double seconds = 0;  ///< >= 0: for drawing and training together, unless iterations > 0
  /// > 0: this number of iterations instead of as many as fit into the time; the result then does not depend on the speed of
  /// the machine.
  Index iterations = 0;
  Index layers = 0;  ///< number of coupling layers
  /// Of each layer; its kind is spline, and its dimensions and columns follow from the flow. box = 0: so wide that all
  /// but one coordinate in 10,000 of the pairs is within.
  CouplingOptions coupling = {.box = 0};
  Index pairs = 0;           ///< 0 or >= 1000: at most so many are drawn, in at most 30 % of the time
  Index batch = 512;         ///< >= 1: pairs of an iteration
  double learning_rate = 0;  ///< >= 0: highest of the schedule
  double map_share = 0.15;   ///< in [0, 1): part of the training that regresses the map
  std::uint64_t seed = 0;
  EvaluationOptions evaluation = {};    ///< how the flow is solved, and the number of threads
  Matrix<double> condition_range = {};  ///< dc x 2: conditions are drawn within; empty: no limit
  /// Called with the stage ("drawing", "map", "density") and the fraction of the work that is done, in [0, 1].
  std::function<void(const char* stage, double done)> progress = {};
};

/// Replaces the zeros in the options by defaults, which depend on the number of columns: 8 layers, 200,000 pairs, 60 seconds
/// and a learning rate of 3e-3 up to three; 12, 400,000 (20 million / dim beyond 50 columns, for the memory), 300 and
/// 5e-3 for more, where the effective sample size still rises with the iterations after a minute.
[[nodiscard]] DistillOptions with_defaults(DistillOptions options, Index dim);

/// How a distilled flow q differs from its original p, by fresh draws of each. All log-densities are of the data in its
/// own units, in nats.
struct DistillComparison {
  Index points = 0;                 ///< draws of each flow
  double energy = 0, energy_p = 1;  ///< energy distance of 1,000 draws of each, in standardized units, and its p-value
  double mean_difference = 0;       ///< mean |log q - log p| over draws of p
  double largest_difference = 0;    ///< the largest of these
  double kl = 0;                    ///< KL(p || q): the mean of log p - log q over draws of p
  double ess_to_original = 0;       ///< effective sample size of draws of q with weights p / q, over their number
  double ess_to_distilled = 0;      ///< of draws of p with weights q / p
  double original_rate = 0, distilled_rate = 0;  ///< densities a second on one core
};

template <class S> struct Distilled {
  Flow<S> flow;
  Index pairs = 0, iterations = 0;
  double box = 0;  ///< of the couplings: CouplingOptions::box
};

/// Distils the chain of a flow with an ODE into spline couplings, in the manner of RegFlow (arXiv 2506.01158). Pairs of
/// a base point z and its image x, with log p(x), are drawn from the flow. First the map is regressed, by the mean of
/// |f(z) - x|^2 / d. Then the density is fitted, by the mean of -log q(x) + (log q(x) - log p(x))^2 / 2: the first term is the
/// likelihood, whose gradient is noisy at its optimum, the second one vanishes there, where q = p (we add it to the
/// likelihood; RegFlow regresses the map alone). The square grows only linearly beyond 3 nats. The result has the base
/// and the data side of the original (bounds, periods, marginal maps, units). Conditions are drawn from the normal
/// distribution of condition_mean and condition_scale, within condition_range.
///
/// Throws InputError for an option out of its range, a flow without an ODE and a uniform base.
template <class S> [[nodiscard]] Distilled<S> distill(const Flow<S>& flow, const DistillOptions& options);

/// n draws of each flow with seeds that distill() does not use.
template <class S> [[nodiscard]] DistillComparison compare_distilled(const Flow<S>& original, const Flow<S>& distilled,
                                                                     const DistillOptions& options, Index n = 10'000);

#define PATHLINE_EXTERN(S)                                                        \
  extern template Distilled<S> distill<S>(const Flow<S>&, const DistillOptions&); \
  extern template DistillComparison compare_distilled<S>(const Flow<S>&, const Flow<S>&, const DistillOptions&, Index);
PATHLINE_EXTERN(float)
PATHLINE_EXTERN(double)
#undef PATHLINE_EXTERN

}  // namespace pathline

// Compares a trained flow with densities that are cheap to fit.
#pragma once

#include <algorithm>
#include <optional>

#include "pathline/train/trainer.hpp"
#include "recipe/fitted_mixture.hpp"

namespace pathline {

// The time that this comparison may take after a training of so many seconds.
inline double yardstick_seconds(double seconds) { return std::clamp(0.02 * seconds, 0.1, 5.0); }

// Evaluates the flow and the cheap densities on the test rows of `data`. mixture: of the same rows, perhaps after other
// marginal maps (null: chosen here, within `seconds`). nullopt without test rows, and for a toy.
template <class S> std::optional<Yardstick> measure(const Flow<S>& flow, const TrainingData& data,
                                                    const FittedMixture* mixture, const EvaluationOptions& evaluation,
                                                    double seconds);

// The same at the end of a training of so many seconds, with the exact trace.
template <class S> std::optional<Yardstick> measure_after_training(const Flow<S>& flow, const TrainingData& data,
                                                                   const std::optional<FittedMixture>& mixture,
                                                                   EvaluationOptions evaluation, int threads,
                                                                   double seconds) {
  evaluation.trace = {}, evaluation.threads = threads;
  return measure(flow, data, mixture ? &*mixture : nullptr, evaluation, yardstick_seconds(seconds));
}

extern template std::optional<Yardstick> measure<float>(const Flow<float>&, const TrainingData&, const FittedMixture*,
                                                        const EvaluationOptions&, double);
extern template std::optional<Yardstick> measure<double>(const Flow<double>&, const TrainingData&, const FittedMixture*,
                                                         const EvaluationOptions&, double);

}  // namespace pathline

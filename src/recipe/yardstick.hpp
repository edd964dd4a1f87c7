// What is cheap, beside what was trained.
#pragma once

#include <algorithm>
#include <optional>

#include "pathline/fit/gaussian_mixture.hpp"
#include "pathline/train/trainer.hpp"

namespace pathline {

// The time that a comparison with what is cheap may take after a training of so many seconds.
inline double yardstick_seconds(double seconds) { return std::clamp(0.02 * seconds, 0.1, 5.0); }

// Of the test rows. mixture: fitted to the rows that `data` give to the base (null: chosen here, in a few seconds at
// most). Nothing without test rows, and for a toy.
template <class S>
std::optional<Yardstick> measure(const Flow<S>& flow, const TrainingData& data, const GaussianMixture* mixture,
                                 const EvaluationOptions& evaluation, double seconds);

extern template std::optional<Yardstick> measure<float>(const Flow<float>&, const TrainingData&,
                                                        const GaussianMixture*, const EvaluationOptions&, double);
extern template std::optional<Yardstick> measure<double>(const Flow<double>&, const TrainingData&,
                                                         const GaussianMixture*, const EvaluationOptions&, double);

}  // namespace pathline

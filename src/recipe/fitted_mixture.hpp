// The rows of a table as the base of a flow sees them, and a mixture that was fitted to them.
#pragma once

#include "pathline/fit/gaussian_mixture.hpp"
#include "pathline/train/base_fit.hpp"
#include "pathline/train/training_data.hpp"

namespace pathline {

// The rows of the run as the base of its flow sees them.
// most_rows: see base_rows.
BaseRows base_rows_of(const TrainingData& data, Index most_rows = 0);

// A mixture that was fitted to base_rows_of(data), and is a density in those coordinates.
struct FittedMixture {
  TrainingData data;
  GaussianMixture mixture;
};

// Its log-densities in the units of the data, 1 x N. A point with periodic columns has several images.
RowVector<double> log_density(const FittedMixture& fitted, const TrainingData::Points& at);

}  // namespace pathline

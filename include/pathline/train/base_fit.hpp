/// \file
/// Fits the base of a flow to the training rows, so that the flow begins at the density of a Gaussian mixture.
#pragma once

#include <cstdint>
#include <vector>

#include "pathline/fit/mixture_fit.hpp"
#include "pathline/train/training_data.hpp"

namespace pathline {

/// The rows of a run as the base sees them while the chain is the identity: mapped by the data side of the flow alone.
/// If there is a condition, its columns come first.
struct BaseRows {
  Matrix<double> training, validation;                  ///< (dc + d) x N, (dc + d) x M
  Vector<double> training_weights, validation_weights;  ///< N, M; or empty where all rows weigh alike
  RowVector<double> validation_log_det;                 ///< 1 x M: log|det| of the data side
  Index condition_dim = 0;                              ///< dc: the first rows are the condition
};

/// Takes at most most_rows training rows and at most as many validation rows, evenly spaced (0: all). Throws
/// InputError for data that are not a table.
template <class S>
[[nodiscard]] BaseRows base_rows(const Flow<S>& flow, const TrainingData& data, Index most_rows = 0);

struct BaseFitOptions {
  Index components = 10;   ///< >= 1: of each member
  Index members = 1;       ///< >= 1: mixtures from different random starts; the base is the mean of their densities
  Index iterations = 200;  ///< >= 1: the most for one member
  double prior_rows = 1;   ///< >= 0: see MixtureOptions
  double diagonal = 0;     ///< in [0, 1]: see MixtureOptions
  /// > 0: factor of every covariance. A Gaussian fitted to N rows in d dimensions predicts others best if it is wider by
  /// about (N + 1) / (N - d - 2), because its covariance is an estimate.
  double inflation = 1;
  /// Whether the validation rows are fitted as well, where there are too few rows to leave any out.
  bool all_rows = false;
  /// >= 0: the most_rows of base_rows; fit_base itself takes the rows that it is given.
  Index rows = 0;
  std::uint64_t seed = 0;  ///< of the starts
  int threads = 1;         ///< >= 0, 0: one per core; the result does not depend on it, bit for bit
};

/// Fits member 0, 1, ... of a base; the validation rows decide when its fit ends.
[[nodiscard]] MixtureFit fit_base_member(const BaseRows& rows, const BaseFitOptions& options, Index member);
/// Fits options.members members and returns their mean. With a condition it is the joint density of the condition and
/// the columns; the density of the columns is its conditional.
[[nodiscard]] GaussianMixture fit_base(const BaseRows& rows, const BaseFitOptions& options);

/// log p(z | c) of rows of which the first condition_dim columns are the condition c: (dc + d) x N; gives 1 x N, nats.
[[nodiscard]] RowVector<double> log_density_of(const GaussianMixture& mixture, ConstMatrixRef<double> rows,
                                               Index condition_dim);

/// The log-density of each validation row in the units of the data, given its condition, 1 x M, nats.
[[nodiscard]] RowVector<double> validation_log_density(const GaussianMixture& mixture, const BaseRows& rows);

/// By how much the mean of a exceeds that of b, row by row (1 x M each), nats. Differences beyond the outermost 1 % on
/// either side count as the last within, so that no single row decides between two models. weights: M, or empty.
[[nodiscard]] double robust_gain(const RowVector<double>& a, const RowVector<double>& b, const Vector<double>& weights);

extern template BaseRows base_rows<float>(const Flow<float>&, const TrainingData&, Index);
extern template BaseRows base_rows<double>(const Flow<double>&, const TrainingData&, Index);

}  // namespace pathline

#pragma once

#include "pathline/core/types.hpp"

/// \file
/// Statistics of importance weights: the mean, its error, and whether an error exists at all.

namespace pathline {

/// A generalized Pareto distribution on [0, infinity): P(X > x) = (1 + shape x / scale)^(-1 / shape).
struct GeneralizedPareto {
  double shape = 0;  ///< k: moments of order 1 / k and above are infinite
  double scale = 0;  ///< sigma > 0
};

/// Fits a generalized Pareto distribution by the quasi-Bayesian estimate of Zhang & Stephens 2009, "A new and efficient
/// estimation method for the generalized Pareto distribution", Technometrics 51.
///
/// \param exceedances  at least 5 values >= 0 in rising order, the last of them > 0
[[nodiscard]] GeneralizedPareto fit_generalized_pareto(const RowVector<double>& exceedances);

/// What n importance weights say of their mean, which estimates a normalizing constant.
struct ImportanceWeights {
  /// Above this shape neither the mean nor an error can be trusted at any sample size that one can afford (Vehtari et
  /// al. 2024, section 3.2.4).
  static constexpr double kLargestShape = 0.7;

  double log_mean = 0;   ///< logarithm of the mean weight
  double log_error = 0;  ///< standard error of log_mean; NaN for one weight, and where heavy()
  double ess = 0;        ///< effective sample size (sum w)^2 / sum w^2 over n, in (0, 1] (Kong 1992)
  double shape = 0;      ///< Pareto's k-hat of the largest weights; -infinity where they are all equal; NaN for n < 25
  double shape_error = 0;  ///< standard error of shape, (1 + k) / sqrt(size of the tail); NaN where shape is not finite

  /// \param log_weight  1 x n, in nats; -infinity is a weight of 0
  explicit ImportanceWeights(const RowVector<double>& log_weight);

  /// Standard error of log_mean by the spread of the weights alone, sqrt((1 / ess - 1) / n). It is too small where the
  /// tail is heavy.
  double spread = 0;

  /// Whether the weights may have so heavy a tail that no error of the mean can be stated: k-hat is not below
  /// kLargestShape by its own standard error. Without that margin, a run whose k-hat is low by chance, and whose mean
  /// is therefore too small, would state an error that does not hold.
  bool heavy() const { return shape + shape_error > kLargestShape; }
};

}  // namespace pathline

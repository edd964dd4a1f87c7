/// \file
/// Gaussian mixtures fitted to the rows of a table by expectation maximization (Dempster, Laird & Rubin 1977; Bishop
/// 2006, section 9.2.2).
#pragma once

#include <cstdint>
#include <vector>

#include "pathline/fit/gaussian_mixture.hpp"

namespace pathline {

struct MixtureOptions {
  Index components = 10;         ///< >= 1
  Index iterations = 200;        ///< >= 1: the most that one fit takes
  double tolerance = 1e-4;       ///< > 0: nats; the fit ends where ten iterations gain less than ten times this per row
  /// > 0: this fraction of the pooled covariance, times prior_rows where that is between 0 and 1, is added to each
  /// covariance.
  double regularization = 1e-6;
  /// >= 0: each covariance is shrunk towards the pooled one, divided by K^(2/d), as by this many rows: the mode of an
  /// inverse Wishart distribution (Fraley & Raftery 2007). The pooled covariance is that of the rows with each value
  /// clamped to three times the range from the 1 % to the 99 % quantile beyond these, so that an outlier cannot widen
  /// every component. Where the clusters that a fit starts from are a hundred times as narrow as that in some direction,
  /// the covariance within them takes its place, here and for `regularization`.
  double prior_rows = 1;
  /// In [0, 1]: how far the pooled covariance itself is shrunk towards its diagonal.
  double diagonal = 0;
  /// d, >= 0, or empty: the least variance of a component in each column. For a column that is rounded to steps of h,
  /// h^2 / 12: no density can be known more finely than that.
  Vector<double> floor = {};
  int threads = 1;         ///< >= 0, 0: one per core
  std::uint64_t seed = 0;  ///< of the start (k-means++, Arthur & Vassilvitskii 2007)
};

struct MixtureFit {
  GaussianMixture mixture;
  double train_log_density;       ///< mean over the rows (weighted), nats
  double validation_log_density;  ///< the same for the validation rows; NaN without any
  Index iterations;  ///< that were done
  bool converged;    ///< false if options.iterations ended the fit
  double work = 0;   ///< the sum over the iterations of rows times components
};

/// Fits options.components Gaussians; components that lose all rows are dropped, so that the mixture may have fewer.
/// rows: d x N with finite entries; weights: N, >= 0, or empty for equal ones. With validation rows (d x M, weights as
/// before) the fit ends where their log-density has not risen for twenty iterations, and the best of them is returned.
/// The result does not depend on the number of threads, bit for bit. Throws InputError for an option out of its range,
/// no rows, a value that is not finite, or negative weights.
[[nodiscard]] MixtureFit fit_mixture(ConstMatrixRef<double> rows, ConstVectorRef<double> weights,
                                     ConstMatrixRef<double> validation, ConstVectorRef<double> validation_weights,
                                     const MixtureOptions& options);

/// Fits mixtures with the given numbers of components, in this order, and returns the one with the highest validation
/// log-density. Numbers beyond the number of rows are skipped; after two in a row without a gain no more are tried, nor
/// after `seconds` have passed (0: no limit).
[[nodiscard]] MixtureFit choose_mixture(ConstMatrixRef<double> rows, ConstVectorRef<double> weights,
                                        ConstMatrixRef<double> validation, ConstVectorRef<double> validation_weights,
                                        const std::vector<Index>& components, const MixtureOptions& options,
                                        double seconds = 0);

/// The mean of `members` densities, whose mean is `mean`, and another one: a mixture of all their components. By Jensen's
/// inequality, its log-density is nowhere below the mean of theirs: fits from different starts err in
/// different places. Throws InputError for different dimensions.
[[nodiscard]] GaussianMixture with_member(const GaussianMixture& mean, Index members, const GaussianMixture& other);

/// The step to which each column is rounded, or 0 for a column in which less than a tenth of the rows repeat a value.
/// rows: d x N; returns d. The step is the lower decile of the distances between neighbouring distinct values. A
/// constant column has step 0.
[[nodiscard]] Vector<double> rounding_steps(ConstMatrixRef<double> rows);

}  // namespace pathline

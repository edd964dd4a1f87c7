#include "pathline/core/importance_weights.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

#include "core/log_sum_exp.hpp"

namespace pathline {

GeneralizedPareto fit_generalized_pareto(const RowVector<double>& x) {
  const Index n = x.size();
  assert(n >= 5 && x[0] >= 0 && x[n - 1] > 0);
  // The likelihood's profile over b = -shape / scale, on the grid of Zhang & Stephens (equations 7 to 9).
  const Index grid = 30 + static_cast<Index>(std::sqrt(static_cast<double>(n)));
  const double quartile = std::max(x[static_cast<Index>(static_cast<double>(n) / 4 + 0.5) - 1], 1e-12 * x[n - 1]);
  RowVector<double> b(grid), log_likelihood(grid);
  const auto shape_of = [&](double at) { return (-at * x.array()).log1p().mean(); };
  for (Index j = 0; j < grid; ++j) {
    b[j] = (1 - std::sqrt(static_cast<double>(grid) / (static_cast<double>(j) + 0.5))) / (3 * quartile) + 1 / x[n - 1];
    const double shape = shape_of(b[j]);
    log_likelihood[j] = static_cast<double>(n) * (std::log(-b[j] / shape) - shape - 1);
  }
  const RowVector<double> weight = (log_likelihood.array() - log_sum_exp(log_likelihood.array())).exp();
  const double mean = b.dot(weight), shape = shape_of(mean);
  return {shape, -shape / mean};
}

namespace {

// A generalized Pareto distribution that is fitted to the largest weights, beyond a threshold. The unit is the largest
// weight.
struct Tail {
  Index size = 0;
  double threshold = 0;
  GeneralizedPareto fit;
};

// Vehtari et al. 2024, "Pareto smoothed importance sampling", JMLR 25, section 3 and appendix C: the size of the tail,
// and k-hat drawn toward 1/2 as by 10 more weights.
Tail fit_tail(const RowVector<double>& sorted) {
  const double n = static_cast<double>(sorted.size());
  Tail tail;
  tail.size = static_cast<Index>(std::ceil(std::min(0.2 * n, 3 * std::sqrt(n))));
  tail.threshold = sorted[sorted.size() - tail.size - 1];
  const RowVector<double> beyond = sorted.tail(tail.size).array() - tail.threshold;
  if (!(beyond[tail.size - 1] > 1e-12)) {  // they differ by rounding only
    tail.fit.shape = -std::numeric_limits<double>::infinity();
    return tail;
  }
  tail.fit = fit_generalized_pareto(beyond);
  const double m = static_cast<double>(tail.size);
  tail.fit.shape = (tail.fit.shape * m + 0.5 * 10) / (m + 10);
  return tail;
}

// The variance of the mean weight, whose tail is replaced by the fitted one: the sample's own variance is far too small
// where the largest weights have not been drawn. The tail's mean is threshold + scale / (1 - shape); the covariance of
// shape and scale is the inverse of Fisher's information (Johansson 2003, "Estimating the mean of heavy-tailed
// distributions", Extremes 6, theorem 3.1).
double variance_of_mean(const RowVector<double>& sorted, const Tail& tail) {
  const double n = static_cast<double>(sorted.size()), m = static_cast<double>(tail.size), share = m / n;
  const double k = tail.fit.shape, s = tail.fit.scale, rest = 1 - k;
  RowVector<double> w = sorted;
  w.tail(tail.size).setConstant(tail.threshold + s / rest);
  const double between = (w.array() - w.mean()).square().sum() / (n * (n - 1));
  const double of_fit = s * s / m *
                        (2 * (1 + k) / (rest * rest) + (1 + k) * (1 + k) / (rest * rest * rest * rest) -
                         2 * (1 + k) / (rest * rest * rest));
  return between + share * share * of_fit;
}

}  // namespace

ImportanceWeights::ImportanceWeights(const RowVector<double>& log_weight) {
  constexpr Index kFewest = 25;  // a tail of 5
  const double n = static_cast<double>(log_weight.size()), log_sum = log_sum_exp(log_weight.array());
  const double nan = std::nan("");
  ess = std::exp(2 * log_sum - log_sum_exp(2 * log_weight.array())) / n;
  log_mean = log_sum - std::log(n);
  log_error = spread = n > 1 ? std::sqrt(std::max(0.0, 1 / ess - 1) / n) : nan;
  shape = shape_error = nan;
  if (log_weight.size() < kFewest || !std::isfinite(log_sum) || log_weight.array().isNaN().any()) return;
  RowVector<double> sorted = (log_weight.array() - log_weight.maxCoeff()).exp();
  std::sort(sorted.begin(), sorted.end());
  const Tail tail = fit_tail(sorted);
  shape = tail.fit.shape;
  if (std::isfinite(shape)) shape_error = (1 + shape) / std::sqrt(static_cast<double>(tail.size));
  if (heavy())
    log_error = nan;
  else if (shape + shape_error > 0) {
    Tail upper = tail;
    upper.fit.shape += shape_error;
    log_error = std::max(log_error, std::sqrt(variance_of_mean(sorted, upper)) / sorted.mean());
  }
}

}  // namespace pathline

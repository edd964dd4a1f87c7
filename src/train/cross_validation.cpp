#include "train/cross_validation.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include <fmt/format.h>

#include "core/clock.hpp"
#include "pathline/core/random.hpp"
#include "train/weighted_mean.hpp"

namespace pathline {
namespace {

Matrix<double> columns(const Matrix<double>& x, const std::vector<Index>& which) { return x(Eigen::all, which); }

// The log-density of every row by the fit of the folds that do not hold it.
RowVector<double> out_of_fold(const Matrix<double>& rows, const Vector<double>& weights, Index condition_dim,
                              const std::vector<std::vector<Index>>& folds, const BaseFitOptions& fit) {
  RowVector<double> out(rows.cols());
  for (std::size_t f = 0; f < folds.size(); ++f) {
    std::vector<Index> rest;
    for (std::size_t g = 0; g < folds.size(); ++g)
      if (g != f) rest.insert(rest.end(), folds[g].begin(), folds[g].end());
    BaseRows part{columns(rows, rest), Matrix<double>(rows.rows(), 0), {}, {}, {}, condition_dim};
    if (weights.size() > 0) part.training_weights = weights(rest);
    const auto density = log_density_of(fit_base(part, fit), columns(rows, folds[f]), condition_dim);
    for (std::size_t i = 0; i < folds[f].size(); ++i) out[folds[f][i]] = density[static_cast<Index>(i)];
  }
  return out;
}

// Simple fits first: a later one has to be better by more than it may be by chance.
std::vector<BaseFitOptions> few_row_candidates(Index rows, const BaseChoiceOptions& options) {
  std::vector<BaseFitOptions> out;
  const auto add = [&](Index k, double diagonal, double inflation, double prior) {
    out.push_back({.components = k,
                   .prior_rows = prior,
                   .diagonal = diagonal,
                   .inflation = inflation,
                   .all_rows = true,
                   .seed = options.seed,
                   .threads = options.threads});
  };
  for (const double diagonal : {1.0, 0.5, 0.2, 0.0})
    for (const double inflation : {1.0, 1.2, 1.5, 2.0}) add(1, diagonal, inflation, 1e6);
  for (const Index k : {2, 3, 4, 6, 8, 12, 16})
    if (10 * k <= rows)
      for (const double diagonal : {1.0, 0.0}) add(k, diagonal, 1, 2);
  return out;
}

// The numbers 0, ..., count - 1, shuffled and dealt to ten folds, or to as many as there are rows.
std::vector<std::vector<Index>> random_folds(Index count, std::uint64_t seed) {
  std::vector<std::vector<Index>> folds(static_cast<std::size_t>(std::min<Index>(10, count)));
  std::vector<Index> order(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), Index{0});
  Engine engine = make_stream(seed, "train.folds");
  for (Index i = count - 1; i > 0; --i)
    std::swap(order[static_cast<std::size_t>(i)], order[static_cast<std::size_t>(uniform_index(engine, i + 1))]);
  for (std::size_t i = 0; i < order.size(); ++i) folds[i % folds.size()].push_back(order[i]);
  return folds;
}

// The weights of the training rows and of the validation rows behind them; empty if all weigh alike.
Vector<double> all_weights(const BaseRows& rows) {
  Vector<double> weights;
  if (rows.training_weights.size() == 0) return weights;
  const Index n = rows.training.cols(), m = rows.validation.cols();
  weights.setOnes(n + m);
  weights.head(n) = rows.training_weights;
  if (rows.validation_weights.size() > 0) weights.tail(m) = rows.validation_weights;
  return weights;
}

// Whether a fit is better than the best one: by more than may be by chance if it has more components.
bool is_better(const BaseFitOptions& fit, const RowVector<double>& density, const BaseFitOptions& best,
               const RowVector<double>& best_density, const Vector<double>& weights) {
  const RowVector<double> difference = density - best_density;
  const double error =
      std::sqrt((difference.array() - difference.mean()).square().sum()) / static_cast<double>(difference.size());
  return robust_gain(density, best_density, weights) > (fit.components > best.components ? error : 0);
}

std::string reason(const BaseFitOptions& best, Index rows, double nll, double gaussian_nll) {
  return fmt::format(
      "{} rows are few: by ten-fold cross-validation the density is {} (NLL of the standardized columns {:.4f}{})",
      rows,
      best.components > 1 ? fmt::format("a mixture of {} Gaussians", best.components)
                          : fmt::format("a Gaussian with its covariances shrunk by {:g} % and widened by {:g}",
                                        100 * best.diagonal, best.inflation),
      nll, std::isfinite(gaussian_nll) ? fmt::format("; one Gaussian without shrinkage {:.4f}", gaussian_nll) : "");
}

}  // namespace

BaseChoice choose_by_cross_validation(const BaseRows& rows, const BaseChoiceOptions& options) {
  const double began = seconds_now();
  const Index count = rows.training.cols() + rows.validation.cols();
  Matrix<double> all(rows.training.rows(), count);
  all << rows.training, rows.validation;
  const auto weights = all_weights(rows);
  const auto folds = random_folds(count, options.seed);
  // Over so few rows a team of threads costs more than it saves: where other programs held the cores, the choice once
  // ran out of its time among the first fits.
  BaseChoiceOptions fits = options;
  if (count < kFewRows) fits.threads = 1;
  std::optional<BaseFitOptions> best;
  RowVector<double> best_density;
  double gaussian = std::nan("");
  for (const auto& fit : few_row_candidates(count, fits)) {
    if (best && seconds_now() - began > options.seconds) break;
    const auto density = out_of_fold(all, weights, rows.condition_dim, folds, fit);
    const bool plain = fit.components == 1 && fit.diagonal == 0 && fit.inflation == 1;
    if (plain) gaussian = -weighted_mean(density, weights);
    if (best && !is_better(fit, density, *best, best_density, weights)) continue;
    best = fit, best_density = density;
  }
  const double nll = -weighted_mean(best_density, weights);
  auto mixture = fit_base(rows, *best);
  return {false, *best, std::move(mixture), nll, gaussian, {reason(*best, count, nll, gaussian)}};
}

}  // namespace pathline

#include "pathline/train/base_choice.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "core/clock.hpp"
#include "core/option_check.hpp"
#include "pathline/core/error.hpp"

namespace pathline {
namespace {

double weighted_mean(const RowVector<double>& values, const Vector<double>& weights) {
  return weights.size() > 0 ? values.dot(weights.transpose()) / weights.sum() : values.mean();
}

// A fit with the log-density of the validation rows.
struct Candidate {
  BaseFitOptions fit;
  GaussianMixture mixture;
  RowVector<double> log_density;
  double seconds;
};

// The fits in one space.
class Ladder {
 public:
  Ladder(const BaseRows& rows, const BaseChoiceOptions& options, std::string name)
      : rows_(rows), options_(options), name_(std::move(name)) {}

  // Fits this number of components; true if it is the best so far.
  bool try_components(Index components, double prior_rows, std::vector<std::string>& reasons) {
    const double began = seconds_now();
    // Sixty iterations of many components are as good as two hundred, at a third of the cost.
    const BaseFitOptions fit{.components = components,
                             .iterations = components > 16 ? 60 : 200,
                             .prior_rows = prior_rows,
                             .seed = options_.seed,
                             .threads = options_.threads};
    auto mixture = fit_base_member(rows_, fit, 0);
    auto log_density = validation_log_density(mixture, rows_);
    const bool better = !best_ || gain(log_density, best_->log_density) > 0;
    reasons.push_back(fmt::format("mixture of {}{}{}: validation NLL {:.4f}{}", components, name_,
                                  prior_rows < kPriorRows ? ", hardly shrunk" : "",
                                  -weighted_mean(log_density, rows_.validation_weights), better ? "" : ", no gain"));
    if (components == 1) gaussian_ = log_density;
    const double took = seconds_now() - began;
    seconds_each_ = took / static_cast<double>(components);
    if (better) best_ = Candidate{fit, std::move(mixture), std::move(log_density), took};
    return better;
  }

  // 1, 2, 4, ... up to `most`, until two in a row gain nothing; true if the last two did not both fail.
  bool climb_first(Index most, double seconds, std::vector<std::string>& reasons) {
    const double began = seconds_now();
    int failures = 0;
    for (Index k = 1; k <= most && failures < 2 && (!best_ || expected(k) < seconds - (seconds_now() - began)); k *= 2) {
      bool better = try_components(k, kPriorRows, reasons);
      // Where one component is a hundred times as narrow as another, the prior of many small ones widens it.
      if (k > 1) better = try_components(k, 0.01 * kPriorRows, reasons) || better;
      failures = better ? 0 : failures + 1;
    }
    return failures < 2;
  }

  // On by factors of four, then two, as long as it gains; then once between the last two.
  void climb_on(Index most, double seconds, std::vector<std::string>& reasons) {
    const double began = seconds_now();
    const auto fits = [&](Index k) { return k <= most && expected(k) < seconds - (seconds_now() - began); };
    while (true) {
      const Index best = best_->fit.components;
      const Index next = best < 256 && fits(4 * best) ? 4 * best : 2 * best;
      if (!fits(next)) return;
      if (try_components(next, kPriorRows, reasons)) continue;
      if (next == 4 * best && fits(2 * best)) try_components(2 * best, kPriorRows, reasons);
      return;
    }
  }

  // Adds members from other starts while their mean gains and the time lasts.
  void add_members(Index most, double seconds, std::vector<std::string>& reasons) {
    const double began = seconds_now();
    std::vector<GaussianMixture> members{best_->mixture};
    const double each = best_->seconds;
    while (std::ssize(members) < most && 1.3 * each < seconds - (seconds_now() - began)) {
      members.push_back(fit_base_member(rows_, best_->fit, std::ssize(members)));
      const auto mean = average(members);
      const RowVector<double> log_density = validation_log_density(mean, rows_);
      if (!(gain(log_density, best_->log_density) > kLeastMemberGain)) break;
      best_->mixture = mean, best_->log_density = log_density, best_->fit.members = std::ssize(members);
    }
    if (best_->fit.members > 1)
      reasons.push_back(fmt::format("mean of {} mixtures of {} from different starts{}: validation NLL {:.4f}",
                                    best_->fit.members, best_->fit.components, name_,
                                    -weighted_mean(best_->log_density, rows_.validation_weights)));
  }

  const Candidate& best() const { return *best_; }
  const RowVector<double>& gaussian() const { return gaussian_; }
  double gain(const RowVector<double>& a, const RowVector<double>& b) const {
    return robust_gain(a, b, rows_.validation_weights);
  }

 private:
  static constexpr double kPriorRows = 1;
  static constexpr double kLeastMemberGain = 2e-3;  // nats; each member makes the density dearer

  double expected(Index components) const { return 1.3 * seconds_each_ * static_cast<double>(components); }

  const BaseRows& rows_;
  const BaseChoiceOptions& options_;
  std::string name_;
  std::optional<Candidate> best_;
  RowVector<double> gaussian_;
  double seconds_each_ = 0;  // a component
};

// As many components as a core evaluates at 20,000 densities a second or more, at 10 GFLOP/s.
Index most_components(Index dim) {
  const double d = static_cast<double>(dim);
  return std::max<Index>(1, static_cast<Index>(5e5 / (d * (d + 1) + 60)));
}

// As many training rows as tell which space and which prior is better.
constexpr Index kTrialRows = 8000;

BaseRows trial_rows(const BaseRows& rows) {
  BaseRows out = rows;
  const Index n = rows.training.cols(), step = (n + kTrialRows - 1) / kTrialRows;
  if (step <= 1) return out;
  std::vector<Index> some;
  for (Index i = 0; i < n; i += step) some.push_back(i);
  out.training = rows.training(Eigen::all, some);
  if (rows.training_weights.size() > 0) out.training_weights = rows.training_weights(some);
  return out;
}

BaseChoice by_validation(const BaseRows& rows, const BaseRows* mapped, const BaseChoiceOptions& options) {
  const double began = seconds_now();
  std::vector<std::string> reasons;
  constexpr Index kFirst = 16;  // components of the trials
  const Index cap = most_components(rows.training.rows());
  const Index most = std::clamp<Index>(rows.training.cols() / 5, 1, cap);
  const BaseRows plain_rows = trial_rows(rows);
  Ladder trial(plain_rows, options, "");
  bool rising = trial.climb_first(std::min(kFirst, most), 0.15 * options.seconds, reasons);
  BaseFitOptions first = trial.best().fit;
  bool marginals = false;
  if (mapped) {
    const BaseRows mapped_rows = trial_rows(*mapped);
    Ladder other(mapped_rows, options, " after marginal maps");
    const bool other_rising = other.climb_first(std::min(kFirst, most), 0.15 * options.seconds, reasons);
    marginals = trial.gain(other.best().log_density, trial.best().log_density) > 0;
    if (marginals) rising = other_rising, first = other.best().fit;
  }
  Ladder chosen(marginals ? *mapped : rows, options, marginals ? " after marginal maps" : "");
  chosen.try_components(first.components, first.prior_rows, reasons);
  if (rising) chosen.climb_on(most, 0.6 * options.seconds - (seconds_now() - began), reasons);
  chosen.add_members(std::clamp<Index>(cap / chosen.best().fit.components, 1, 16), options.seconds - (seconds_now() - began),
                     reasons);
  const auto& best = chosen.best();
  return {marginals,
          best.fit,
          best.mixture,
          -weighted_mean(best.log_density, rows.validation_weights),
          -weighted_mean(trial.gaussian(), rows.validation_weights),
          std::move(reasons)};
}

Matrix<double> columns(const Matrix<double>& x, const std::vector<Index>& which) { return x(Eigen::all, which); }

// The log-density of every row by the fit of the folds that do not hold it.
RowVector<double> out_of_fold(const Matrix<double>& rows, const Vector<double>& weights,
                              const std::vector<std::vector<Index>>& folds, const BaseFitOptions& fit) {
  RowVector<double> out(rows.cols());
  for (std::size_t f = 0; f < folds.size(); ++f) {
    std::vector<Index> rest;
    for (std::size_t g = 0; g < folds.size(); ++g)
      if (g != f) rest.insert(rest.end(), folds[g].begin(), folds[g].end());
    BaseRows part{columns(rows, rest), Matrix<double>(rows.rows(), 0), {}, {}, {}};
    if (weights.size() > 0) part.training_weights = weights(rest);
    const auto density = fit_base(part, fit).log_density(columns(rows, folds[f]));
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

BaseChoice by_cross_validation(const BaseRows& rows, const BaseChoiceOptions& options) {
  const double began = seconds_now();
  const Index n = rows.training.cols(), m = rows.validation.cols(), d = rows.training.rows();
  Matrix<double> all(d, n + m);
  all << rows.training, rows.validation;
  Vector<double> weights;
  if (rows.training_weights.size() > 0) {
    weights.setOnes(n + m);
    weights.head(n) = rows.training_weights;
    if (rows.validation_weights.size() > 0) weights.tail(m) = rows.validation_weights;
  }
  std::vector<std::vector<Index>> folds(static_cast<std::size_t>(std::min<Index>(10, n + m)));
  std::vector<Index> order(static_cast<std::size_t>(n + m));
  for (Index i = 0; i < n + m; ++i) order[static_cast<std::size_t>(i)] = i;
  Engine engine = make_stream(options.seed, "train.folds");
  for (Index i = n + m - 1; i > 0; --i)
    std::swap(order[static_cast<std::size_t>(i)], order[static_cast<std::size_t>(uniform_index(engine, i + 1))]);
  for (std::size_t i = 0; i < order.size(); ++i) folds[i % folds.size()].push_back(order[i]);

  std::optional<BaseFitOptions> best;
  RowVector<double> best_density;
  double gaussian = std::nan("");
  std::vector<std::string> reasons;
  for (const auto& fit : few_row_candidates(n + m, options)) {
    if (best && seconds_now() - began > options.seconds) break;
    const auto density = out_of_fold(all, weights, folds, fit);
    const double mean = weighted_mean(density, weights);
    const bool plain = fit.components == 1 && fit.diagonal == 0 && fit.inflation == 1;
    if (plain) gaussian = -mean;
    if (best) {
      const RowVector<double> difference = density - best_density;
      const double error =
          std::sqrt((difference.array() - difference.mean()).square().sum()) / static_cast<double>(difference.size());
      const bool dearer = fit.components > best->components;
      if (!(robust_gain(density, best_density, weights) > (dearer ? error : 0))) continue;
    }
    best = fit, best_density = density;
  }
  reasons.push_back(fmt::format(
      "{} rows are few: by ten-fold cross-validation the density is {} (NLL {:.4f}; a Gaussian as it is has {:.4f})",
      n + m,
      best->components > 1 ? fmt::format("a mixture of {} Gaussians", best->components)
                           : fmt::format("a Gaussian with its covariances shrunk by {:g} % and widened by {:g}",
                                         100 * best->diagonal, best->inflation),
      -weighted_mean(best_density, weights), gaussian));
  auto mixture = fit_base(rows, *best);
  return {false, *best, std::move(mixture), -weighted_mean(best_density, weights), gaussian, std::move(reasons)};
}

}  // namespace

BaseChoice choose_base(const BaseRows& rows, const BaseRows* mapped, const BaseChoiceOptions& options) {
  require(options.seconds > 0, "seconds", options.seconds, "> 0");
  if (rows.training.cols() < kFewRows || rows.validation.cols() < 2) return by_cross_validation(rows, options);
  return by_validation(rows, mapped, options);
}

}  // namespace pathline

#include "pathline/train/base_choice.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "core/clock.hpp"
#include "core/option_check.hpp"
#include "pathline/core/error.hpp"
#include "train/fit_time.hpp"
#include "train/heavy_tail.hpp"
#include "train/spaced_rows.hpp"
#include "train/weighted_mean.hpp"

namespace pathline {
namespace {

// A fit with the log-density of the validation rows.
struct Candidate {
  BaseFitOptions fit;
  GaussianMixture mixture;
  RowVector<double> log_density;
};

constexpr double kPriorRows = 1;
constexpr Index kFewComponents = 16, kLeastIterations = 20;
constexpr double kLeastMemberGain = 1e-3;  // nats; each member makes the density dearer
constexpr int kMostFailures = 3;           // members in a row that gain less

// A fit that converges ends by itself; few components converge slowly, and cost little.
Index most_iterations(Index components) { return components > kFewComponents ? 100 : 200; }

// A fit of one component ends with its first iteration. With its start, which took 13 to 29 times as long as an iteration
// of one component, it is counted as this many; a prediction is then too long rather than too short.
constexpr Index kCountedOfOne = 10;
Index counted_iterations(Index components, Index iterations) { return components > 1 ? iterations : kCountedOfOne; }

// As many components as one core evaluates at 50,000 densities a second, with 1.5 ns for the exponential and 0.012 ns
// for each multiplication.
Index most_components(Index dim) {
  const double d = static_cast<double>(dim);
  return std::max<Index>(1, static_cast<Index>(20000 / (1.5 + 0.012 * d * (d + 1))));
}

// The log-density of the mean of `members` densities and another one.
RowVector<double> mean_with(const RowVector<double>& mean, Index members, const RowVector<double>& other) {
  const double m = static_cast<double>(members);
  const RowVector<double> top = mean.cwiseMax(other).cwiseMax(-1e300);  // where both densities are 0
  return top.array() + (m * (mean - top).array().exp() + (other - top).array().exp()).log() - std::log(m + 1);
}

// The standard error of robust_gain(a, b), whose outermost differences it clamps.
double gain_error(const RowVector<double>& a, const RowVector<double>& b) {
  RowVector<double> difference = a - b;
  std::vector<double> sorted(difference.begin(), difference.end());
  std::sort(sorted.begin(), sorted.end());
  const std::size_t cut = sorted.size() / 100;
  difference = difference.cwiseMax(sorted[cut]).cwiseMin(sorted[sorted.size() - 1 - cut]);
  const double n = static_cast<double>(difference.size());
  return std::sqrt((difference.array() - difference.mean()).square().sum()) / n;
}

// The fits in one space.
class Ladder {
 public:
  Ladder(const BaseRows& rows, const BaseChoiceOptions& options, std::string name)
      : rows_(&rows), options_(&options), name_(std::move(name)) {}

  // Whether a fit of this many components ends within the time, with fewer iterations if need be.
  bool fits(Index components, double seconds) const {
    return !time_.known() || time_.iterations_within(seconds, components) >= kLeastIterations;
  }

  // Fits this number of components within the time; true if it is the best so far.
  bool try_components(Index components, double prior_rows, double seconds, std::vector<std::string>& reasons) {
    Index iterations = most_iterations(components);
    if (time_.known() && components > 1)
      iterations = std::clamp(time_.iterations_within(seconds, components), kLeastIterations, iterations);
    Candidate next = fitted({.components = components,
                             .iterations = iterations,
                             .prior_rows = prior_rows,
                             .seed = options_->seed,
                             .threads = options_->threads});
    if (components == 1) gaussian_ = next.log_density;
    // More components than so few validation rows can tell apart are not better.
    const bool better =
        !best_ || gain(next.log_density, best_->log_density) >
                      (components > best_->fit.components ? gain_error(next.log_density, best_->log_density) : 0);
    reasons.push_back(fmt::format("mixture of {}{}{}: validation NLL {:.4f}{}", components, name_,
                                  prior_rows < kPriorRows ? ", hardly shrunk" : "", nll(next),
                                  better ? "" : ", no gain"));
    last_ = next;
    if (better) best_ = std::move(next);
    return better;
  }

  // The number of components of a trial, or less where one fit of all rows would take too long.
  void start(BaseFitOptions trial, const FitTime& time, double until, std::vector<std::string>& reasons) {
    time_ = time;
    while (trial.components > 1 && !fits(trial.components, until - seconds_now())) trial.components /= 2;
    try_components(trial.components, trial.prior_rows, until - seconds_now(), reasons);
  }

  // 1, 2, 4, ... up to `most`, until two in a row gain nothing; true if the last two did not both fail.
  bool climb_first(Index most, double until, std::vector<std::string>& reasons) {
    int failures = 0;
    for (Index k = 1; k <= most && failures < 2 && (!best_ || fits(k, until - seconds_now())); k *= 2) {
      // Where one component is a hundred times as narrow as another, the prior of many small ones widens it. Which
      // prior is the better one is tried with few components.
      const bool few = k <= kFewComponents;
      bool better = try_components(k, few ? kPriorRows : best_->fit.prior_rows, until - seconds_now(), reasons);
      if (k > 1 && few) better = try_components(k, 0.01 * kPriorRows, until - seconds_now(), reasons) || better;
      failures = better ? 0 : failures + 1;
    }
    return failures < 2;
  }

  // On by factors of two, as long as it gains. Remembers whether only the time ended it.
  void climb_on(Index most, double until, std::vector<std::string>& reasons) {
    unfinished_ = false;
    for (Index k = 2 * best_->fit.components; k <= most; k *= 2) {
      unfinished_ = !fits(k, until - seconds_now());
      if (unfinished_ || !try_components(k, best_->fit.prior_rows, until - seconds_now(), reasons)) return;
    }
  }
  bool unfinished() const { return unfinished_; }

  // The mean of two fits of twice as many components may be better although one of them is not.
  void try_pairs(Index most, double until, std::vector<std::string>& reasons) {
    const bool larger = last_->fit.components > best_->fit.components;
    const Candidate other = *last_;
    if (!add_member(*best_, until) || !larger || 2 * other.fit.components > most) return;
    Candidate pair = other;
    if (!add_member(pair, until)) return;
    const bool better = gain(pair.log_density, best_->log_density) > 0;
    reasons.push_back(fmt::format("mean of two mixtures of {}{}: validation NLL {:.4f}; of {}: {:.4f}",
                                  best_->fit.components, name_, nll(*best_), pair.fit.components, nll(pair)));
    if (better) best_ = std::move(pair);
  }

  // Adds members from other starts while their mean gains and the time lasts; those after the best mean are left out.
  // As one start may be a bad one, a few in a row may gain nothing.
  void add_members(Index most, double until, std::vector<std::string>& reasons) {
    const Index before = best_->fit.members;
    Candidate mean = *best_;
    int failures = 0;
    while (failures < kMostFailures && (mean.fit.members + 1) * mean.fit.components <= most) {
      const auto density = density_with_member(mean, until);
      if (!density) break;
      ++failures;
      if (gain(*density, best_->log_density) > kLeastMemberGain) failures = 0;
      mean.log_density = *density;
      if (failures == 0) best_ = mean;
    }
    if (best_->fit.members > before)
      reasons.push_back(fmt::format("mean of {} mixtures of {} from different starts{}: validation NLL {:.4f}",
                                    best_->fit.members, best_->fit.components, name_, nll(*best_)));
  }

  const Candidate& best() const { return *best_; }
  void set_best(Candidate best, double member_seconds) { best_ = std::move(best), member_seconds_ = member_seconds; }
  // Of one more member of the best.
  double member_seconds() const {
    return std::max(member_seconds_, predicted_seconds(best_->fit));
  }
  const RowVector<double>& gaussian() const { return gaussian_; }
  const FitTime& time() const { return time_; }
  double gain(const RowVector<double>& a, const RowVector<double>& b) const {
    return robust_gain(a, b, rows_->validation_weights);
  }
  double nll(const Candidate& c) const { return -weighted_mean(c.log_density, rows_->validation_weights); }

 private:
  double predicted_seconds(const BaseFitOptions& fit) const {
    return time_.of(fit.components, counted_iterations(fit.components, fit.iterations));
  }

  Candidate fitted(const BaseFitOptions& fit) {
    const double began = seconds_now();
    auto member = fit_base_member(*rows_, fit, 0);
    auto log_density = validation_log_density(member.mixture, *rows_);
    time_.add(seconds_now() - began, fit.components, counted_iterations(fit.components, member.iterations));
    return {fit, std::move(member.mixture), std::move(log_density)};
  }

  // Adds the next member to a mean, and gives its log-density; nothing if there is no time.
  std::optional<RowVector<double>> density_with_member(Candidate& mean, double until) {
    const double began = seconds_now();
    if (std::max(member_seconds_, predicted_seconds(mean.fit)) > until - began) return {};
    const auto member = fit_base_member(*rows_, mean.fit, mean.fit.members);
    mean.mixture = with_member(mean.mixture, mean.fit.members, member.mixture);
    // The conditional of a mean is not the mean of the conditionals.
    const auto density =
        rows_->condition_dim > 0
            ? validation_log_density(mean.mixture, *rows_)
            : mean_with(mean.log_density, mean.fit.members, validation_log_density(member.mixture, *rows_));
    // A fit that converges early says nothing of the next one's iterations.
    time_.add(seconds_now() - began, mean.fit.components,
              counted_iterations(mean.fit.components, mean.fit.iterations));
    ++mean.fit.members;
    return density;
  }

  // True if there was the time and the mean gained enough.
  bool add_member(Candidate& to, double until) {
    Candidate mean = to;
    const auto density = density_with_member(mean, until);
    if (!density || !(gain(*density, to.log_density) > kLeastMemberGain)) return false;
    mean.log_density = *density;
    to = std::move(mean);
    return true;
  }

  const BaseRows* rows_;
  const BaseChoiceOptions* options_;
  std::string name_;
  std::optional<Candidate> best_, last_;
  RowVector<double> gaussian_;
  FitTime time_;
  bool unfinished_ = false;
  double member_seconds_ = 0;  // as known from elsewhere
};

// As many training rows as tell which space and which prior is better.
constexpr Index kTrialRows = 8000, kTrialComponents = 64;

BaseRows trial_rows(const BaseRows& rows) {
  BaseRows out = rows;
  if (rows.training.cols() <= kTrialRows) return out;
  const auto some = spaced_rows(rows.training.cols(), kTrialRows);
  out.training = rows.training(Eigen::all, some);
  if (rows.training_weights.size() > 0) out.training_weights = rows.training_weights(some);
  return out;
}

// What the trials in one space gave.
struct Trial {
  const BaseRows* rows;
  std::string name;
  BaseFitOptions fit;
  RowVector<double> log_density, gaussian;
  FitTime time;  // of the fits of all rows
  bool rising;   // more components may be better
};

// As many rows as a fit of n rows looks at in an iteration, on average: see fit_mixture.
double rows_of_a_fit(Index n) { return static_cast<double>(n < 80000 ? n : 40000 + n / 5); }

Trial tried(const BaseRows& rows, const BaseChoiceOptions& options, const std::string& name, Index most, double until,
            std::vector<std::string>& reasons) {
  const BaseRows some = trial_rows(rows);
  Ladder ladder(some, options, name);
  const bool rising = ladder.climb_first(most, until, reasons);
  const double ratio = rows_of_a_fit(rows.training.cols()) / rows_of_a_fit(some.training.cols());
  return {&rows, name, ladder.best().fit, ladder.best().log_density, ladder.gaussian(), ladder.time().scaled(ratio),
          // More rows than in the trial bear more components.
          rising || ratio > 1};
}

// All rows, up to the mean of two.
Ladder climbed(const Trial& trial, const BaseChoiceOptions& options, Index most, Index cap, double until,
               std::vector<std::string>& reasons) {
  Ladder out(*trial.rows, options, trial.name);
  out.start(trial.fit, trial.time, until, reasons);
  if (trial.rising) out.climb_on(most, until, reasons);
  out.try_pairs(cap, until, reasons);
  return out;
}

// Trials of some of the rows take a tenth of the time in each space, the number of components up to half of it, and
// members the rest. Where the trials differ by less than kClose nats, both spaces go on.
constexpr double kClose = 0.1;

BaseChoice by_validation(const BaseRows& rows, const BaseRows* mapped, const BaseChoiceOptions& options) {
  const double began = seconds_now();
  const auto at = [&](double share) { return began + share * options.seconds; };
  std::vector<std::string> reasons;
  const Index cap = most_components(rows.training.rows());
  const Index most = std::clamp<Index>(rows.training.cols() / 5, 1, cap), first_most = std::min(kTrialComponents, most);
  // A map of each column has many numbers, and has to earn them, except where a variance is infinite: few validation rows
  // do not show it, and the worst row of a test of 4,000 rows cost 1.7 nats a row.
  const double doubt = mapped && has_heavy_tail(rows) ? 1 : -1;
  std::vector<Trial> trials{tried(rows, options, "", first_most, at(0.1), reasons)};
  const double gaussian_nll = -weighted_mean(trials[0].gaussian, rows.validation_weights);
  if (mapped) {
    trials.push_back(tried(*mapped, options, " after marginal maps", first_most, at(0.2), reasons));
    const auto &by_map = trials[1].log_density, &plainly = trials[0].log_density;
    const double gain = robust_gain(by_map, plainly, rows.validation_weights) + doubt * gain_error(by_map, plainly);
    if (gain > 0) std::swap(trials[0], trials[1]);
    if (std::abs(gain) > kClose) trials.pop_back();
  }
  Ladder chosen = climbed(trials[0], options, most, cap, at(trials.size() > 1 ? 0.35 : 0.5), reasons);
  bool marginals = trials[0].rows == mapped;
  if (trials.size() > 1) {
    Ladder other = climbed(trials[1], options, most, cap, at(0.5), reasons);
    const auto &by_other = other.best().log_density, &by_chosen = chosen.best().log_density;
    const double gain = chosen.gain(by_other, by_chosen), error = gain_error(by_other, by_chosen);
    if (gain > (marginals ? doubt : -doubt) * error)  // from marginal maps, or to them
      chosen = std::move(other), marginals = !marginals;
  }
  // A larger mixture gains more than members, where it was only the time that ended the ladder.
  if (chosen.unfinished()) chosen.climb_on(most, at(0.9), reasons);
  chosen.add_members(cap, at(1), reasons);
  const auto& best = chosen.best();
  return {marginals,    best.fit,           best.mixture,           chosen.nll(best),
          gaussian_nll, std::move(reasons), chosen.member_seconds()};
}

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

  // Over so few rows a team of threads costs more than it saves: where other programs held the cores, the choice once
  // ran out of its time among the first fits.
  BaseChoiceOptions fits = options;
  if (n + m < kFewRows) fits.threads = 1;
  std::optional<BaseFitOptions> best;
  RowVector<double> best_density;
  double gaussian = std::nan("");
  std::vector<std::string> reasons;
  for (const auto& fit : few_row_candidates(n + m, fits)) {
    if (best && seconds_now() - began > options.seconds) break;
    const auto density = out_of_fold(all, weights, rows.condition_dim, folds, fit);
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
      "{} rows are few: by ten-fold cross-validation the density is {} (NLL {:.4f}{})", n + m,
      best->components > 1 ? fmt::format("a mixture of {} Gaussians", best->components)
                           : fmt::format("a Gaussian with its covariances shrunk by {:g} % and widened by {:g}",
                                         100 * best->diagonal, best->inflation),
      -weighted_mean(best_density, weights),
      std::isfinite(gaussian) ? fmt::format("; a Gaussian as it is has {:.4f}", gaussian) : ""));
  auto mixture = fit_base(rows, *best);
  return {false, *best, std::move(mixture), -weighted_mean(best_density, weights), gaussian, std::move(reasons)};
}

}  // namespace

BaseChoice choose_base(const BaseRows& rows, const BaseRows* mapped, const BaseChoiceOptions& options) {
  require(options.seconds > 0, "seconds", options.seconds, "> 0");
  if (rows.training.cols() < kFewRows || rows.validation.cols() < 2) return by_cross_validation(rows, options);
  return by_validation(rows, mapped, options);
}

void add_members(BaseChoice& choice, const BaseRows& rows, const BaseChoiceOptions& options) {
  Ladder ladder(rows, options, "");
  ladder.set_best({choice.fit, choice.mixture, validation_log_density(choice.mixture, rows)}, choice.member_seconds);
  ladder.add_members(most_components(rows.training.rows()), seconds_now() + options.seconds, choice.reasons);
  choice.fit = ladder.best().fit, choice.mixture = ladder.best().mixture, choice.nll = ladder.nll(ladder.best());
}

}  // namespace pathline

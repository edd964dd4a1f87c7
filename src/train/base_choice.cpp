#include "pathline/train/base_choice.hpp"

#include <algorithm>
#include <cmath>

#include "core/clock.hpp"
#include "core/option_check.hpp"
#include "train/cross_validation.hpp"
#include "train/heavy_tail.hpp"
#include "train/mixture_search.hpp"
#include "train/spaced_rows.hpp"
#include "train/weighted_mean.hpp"

namespace pathline {
namespace {

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
  FitTime time;   // of the fits of all rows
  bool may_gain;  // more components may be better
};

// As many rows as a fit of n rows looks at in an iteration, on average: see fit_mixture.
double rows_of_a_fit(Index n) { return static_cast<double>(n < 80000 ? n : 40000 + n / 5); }

Trial tried(const BaseRows& rows, const BaseChoiceOptions& options, const std::string& name, Index most, double until,
            std::vector<std::string>& reasons) {
  const BaseRows some = trial_rows(rows);
  MixtureSearch search(some, options, name);
  const bool may_gain = search.double_from_one(most, until, reasons);
  const double ratio = rows_of_a_fit(rows.training.cols()) / rows_of_a_fit(some.training.cols());
  return {&rows, name, search.best().fit, search.best().log_density, search.gaussian(), search.time().scaled(ratio),
          // All rows tell more components apart than those of the trial.
          may_gain || ratio > 1};
}

// The search over all rows, from what the trial found to means of two fits.
MixtureSearch searched(const Trial& trial, const BaseChoiceOptions& options, Index most, Index cap, double until,
                       std::vector<std::string>& reasons) {
  MixtureSearch out(*trial.rows, options, trial.name);
  out.begin_with(trial.fit, trial.time, until, reasons);
  if (trial.may_gain) out.double_from_best(most, until, reasons);
  out.try_pairs(cap, until, reasons);
  return out;
}

// Trials with some of the rows take a tenth of the time in each space, the search for the number of components up to
// half of it, and further members the rest. Where the trials differ by less than kClose nats, both spaces are searched.
constexpr double kClose = 0.1;

BaseChoice by_validation(const BaseRows& rows, const BaseRows* mapped, const BaseChoiceOptions& options) {
  const double began = seconds_now();
  const auto at = [&](double share) { return began + share * options.seconds; };
  std::vector<std::string> reasons;
  const Index cap = most_components(rows.training.rows());
  const Index most = std::clamp<Index>(rows.training.cols() / 5, 1, cap), first_most = std::min(kTrialComponents, most);
  // A map of each column has many numbers, and has to earn them, except where a variance is infinite: few validation
  // rows do not show it, and the worst row of a test of 4,000 rows cost 1.7 nats a row.
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
  MixtureSearch chosen = searched(trials[0], options, most, cap, at(trials.size() > 1 ? 0.35 : 0.5), reasons);
  bool marginals = trials[0].rows == mapped;
  if (trials.size() > 1) {
    MixtureSearch other = searched(trials[1], options, most, cap, at(0.5), reasons);
    const auto &by_other = other.best().log_density, &by_chosen = chosen.best().log_density;
    const double gain = chosen.gain(by_other, by_chosen), error = gain_error(by_other, by_chosen);
    if (gain > (marginals ? doubt : -doubt) * error)  // from marginal maps, or to them
      chosen = std::move(other), marginals = !marginals;
  }
  // A larger mixture gains more than further members do, where it was only the time that ended the search.
  if (chosen.ended_by_time()) chosen.double_from_best(most, at(0.9), reasons);
  chosen.add_members(cap, at(1), reasons);
  const auto& best = chosen.best();
  return {marginals,    best.fit,           best.mixture,           chosen.nll(best),
          gaussian_nll, std::move(reasons), chosen.member_seconds()};
}

}  // namespace

BaseChoice choose_base(const BaseRows& rows, const BaseRows* mapped, const BaseChoiceOptions& options) {
  require(options.seconds > 0, "seconds", options.seconds, "> 0");
  if (rows.training.cols() < kFewRows || rows.validation.cols() < 2) return choose_by_cross_validation(rows, options);
  return by_validation(rows, mapped, options);
}

void add_members(BaseChoice& choice, const BaseRows& rows, const BaseChoiceOptions& options) {
  MixtureSearch search(rows, options, "");
  search.set_best({choice.fit, choice.mixture, validation_log_density(choice.mixture, rows)}, choice.member_seconds);
  search.add_members(most_components(rows.training.rows()), seconds_now() + options.seconds, choice.reasons);
  choice.fit = search.best().fit, choice.mixture = search.best().mixture, choice.nll = search.nll(search.best());
}

}  // namespace pathline

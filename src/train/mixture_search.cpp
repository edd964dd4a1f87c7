#include "train/mixture_search.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "core/clock.hpp"
#include "train/weighted_mean.hpp"

namespace pathline {
namespace {

constexpr double kPriorRows = 1;
// Where one component is a hundred times as narrow as another, the prior of many small ones widens it, and where it is
// ten thousand times as narrow, a hundredth of that prior does.
constexpr double kLessPrior[] = {1e-2, 1e-8};
constexpr Index kFewComponents = 16, kLeastIterations = 20;
constexpr double kLeastMemberGain = 1e-3;  // nats; each member makes an evaluation of the density cost more
constexpr int kMostFailures = 3;           // members in a row that gain less

// A fit that converges ends by itself; few components converge slowly, and cost little.
Index most_iterations(Index components) { return components > kFewComponents ? 100 : 200; }

// A fit of one component ends with its first iteration. With its start, which took 13 to 29 times as long as an
// iteration of one component, it is counted as this many; a prediction is then too long rather than too short.
constexpr Index kCountedOfOne = 10;
Index counted_iterations(Index components, Index iterations) { return components > 1 ? iterations : kCountedOfOne; }

std::string name_of_prior(double rows) {
  if (rows == kPriorRows) return "";
  return rows > kLessPrior[1] ? ", with a weak prior of its covariances" : ", with next to no prior of its covariances";
}

// The components of one member of a fit, with the wide one that it has beside them.
Index evaluated(const BaseFitOptions& fit) { return fit.components + 1; }

// The log-density of the mean of `members` densities and another one.
RowVector<double> mean_with(const RowVector<double>& mean, Index members, const RowVector<double>& other) {
  const double m = static_cast<double>(members);
  const RowVector<double> top = mean.cwiseMax(other).cwiseMax(-1e300);  // where both densities are 0
  return top.array() + (m * (mean - top).array().exp() + (other - top).array().exp()).log() - std::log(m + 1);
}

}  // namespace

// An exponential takes 1.5 ns, and each multiplication 0.012 ns.
Index most_components(Index dim) {
  const double d = static_cast<double>(dim);
  return std::max<Index>(1, static_cast<Index>(20000 / (1.5 + 0.012 * d * (d + 1))));
}

double gain_error(const RowVector<double>& a, const RowVector<double>& b) {
  RowVector<double> difference = a - b;
  std::vector<double> sorted(difference.begin(), difference.end());
  std::sort(sorted.begin(), sorted.end());
  const std::size_t cut = sorted.size() / 100;
  difference = difference.cwiseMax(sorted[cut]).cwiseMin(sorted[sorted.size() - 1 - cut]);
  const double n = static_cast<double>(difference.size());
  return std::sqrt((difference.array() - difference.mean()).square().sum()) / n;
}

// Whether a fit of this many components ends within the time, with fewer iterations if need be.
bool MixtureSearch::is_in_time(Index components, double seconds) const {
  return !time_.known() || time_.iterations_within(seconds, components) >= kLeastIterations;
}

// Fits this number of components within the time; true if it is the best so far.
bool MixtureSearch::try_components(Index components, double prior_rows, double seconds,
                                   std::vector<std::string>& reasons) {
  Index iterations = most_iterations(components);
  if (time_.known() && components > 1)
    iterations = std::clamp(time_.iterations_within(seconds, components), kLeastIterations, iterations);
  MixtureCandidate next = fitted({.components = components,
                                  .iterations = iterations,
                                  .prior_rows = prior_rows,
                                  .seed = options_->seed,
                                  .threads = options_->threads});
  if (components == 1) gaussian_ = next.log_density;
  // More components than so few validation rows can tell apart are not better.
  const bool better =
      !best_ || gain(next.log_density, best_->log_density) >
                    (components > best_->fit.components ? gain_error(next.log_density, best_->log_density) : 0);
  reasons.push_back(fmt::format("{}{}{}: validation NLL {:.4f} nats{}",
                                components == 1 ? "one Gaussian" : fmt::format("a mixture of {} Gaussians", components),
                                name_, name_of_prior(prior_rows), nll(next), better ? "" : ", no gain"));
  last_ = next;
  if (better) best_ = std::move(next);
  return better;
}

void MixtureSearch::begin_with(BaseFitOptions found, const FitTime& time, double until,
                               std::vector<std::string>& reasons) {
  time_ = time;
  while (found.components > 1 && !is_in_time(found.components, until - seconds_now())) found.components /= 2;
  try_components(found.components, found.prior_rows, until - seconds_now(), reasons);
}

bool MixtureSearch::double_from_one(Index most, double until, std::vector<std::string>& reasons) {
  int failures = 0;
  for (Index k = 1; k <= most && failures < 2 && (!best_ || is_in_time(k, until - seconds_now())); k *= 2) {
    // Which prior is the best is tried with few components.
    const bool few = k <= kFewComponents;
    bool better = try_components(k, few ? kPriorRows : best_->fit.prior_rows, until - seconds_now(), reasons);
    if (k > 1 && few)
      for (const double prior : kLessPrior) better = try_components(k, prior, until - seconds_now(), reasons) || better;
    failures = better ? 0 : failures + 1;
  }
  return failures < 2;
}

void MixtureSearch::double_from_best(Index most, double until, std::vector<std::string>& reasons) {
  ended_by_time_ = false;
  for (Index k = 2 * best_->fit.components; k <= most; k *= 2) {
    ended_by_time_ = !is_in_time(k, until - seconds_now());
    if (ended_by_time_ || !try_components(k, best_->fit.prior_rows, until - seconds_now(), reasons)) return;
  }
}

void MixtureSearch::try_pairs(Index most, double until, std::vector<std::string>& reasons) {
  const bool larger = last_->fit.components > best_->fit.components;
  const MixtureCandidate other = *last_;
  if (!add_member(*best_, until) || !larger || 2 * evaluated(other.fit) > most) return;
  MixtureCandidate pair = other;
  if (!add_member(pair, until)) return;
  const bool better = gain(pair.log_density, best_->log_density) > 0;
  reasons.push_back(fmt::format("mean of two mixtures of {}{}: validation NLL {:.4f}; of {}: {:.4f}",
                                best_->fit.components, name_, nll(*best_), pair.fit.components, nll(pair)));
  if (better) best_ = std::move(pair);
}

void MixtureSearch::add_members(Index most, double until, std::vector<std::string>& reasons) {
  const Index before = best_->fit.members;
  MixtureCandidate mean = *best_;
  int failures = 0;
  while (failures < kMostFailures && (mean.fit.members + 1) * evaluated(mean.fit) <= most) {
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

void MixtureSearch::set_best(MixtureCandidate best, double member_seconds) {
  best_ = std::move(best), member_seconds_ = member_seconds;
}

double MixtureSearch::member_seconds() const { return std::max(member_seconds_, predicted_seconds(best_->fit)); }

double MixtureSearch::gain(const RowVector<double>& a, const RowVector<double>& b) const {
  return robust_gain(a, b, rows_->validation_weights);
}

double MixtureSearch::nll(const MixtureCandidate& c) const {
  return -weighted_mean(c.log_density, rows_->validation_weights);
}

double MixtureSearch::predicted_seconds(const BaseFitOptions& fit) const {
  return time_.of(fit.components, counted_iterations(fit.components, fit.iterations));
}

MixtureCandidate MixtureSearch::fitted(const BaseFitOptions& fit) {
  const double began = seconds_now();
  auto member = fit_base_member(*rows_, fit, 0);
  auto log_density = validation_log_density(member.mixture, *rows_);
  time_.add(seconds_now() - began, fit.components, counted_iterations(fit.components, member.iterations));
  return {fit, std::move(member.mixture), std::move(log_density)};
}

// Adds the next member to a mean, and gives its log-density; nothing if there is no time.
std::optional<RowVector<double>> MixtureSearch::density_with_member(MixtureCandidate& mean, double until) {
  const double began = seconds_now();
  if (std::max(member_seconds_, predicted_seconds(mean.fit)) > until - began) return {};
  const auto member = fit_base_member(*rows_, mean.fit, mean.fit.members);
  mean.mixture = with_member(mean.mixture, mean.fit.members, member.mixture);
  // The conditional of a mean is not the mean of the conditionals.
  const auto density = rows_->condition_dim > 0 ? validation_log_density(mean.mixture, *rows_)
                                                : mean_with(mean.log_density, mean.fit.members,
                                                            validation_log_density(member.mixture, *rows_));
  // A fit that converges early says nothing of the next one's iterations.
  time_.add(seconds_now() - began, mean.fit.components, counted_iterations(mean.fit.components, mean.fit.iterations));
  ++mean.fit.members;
  return density;
}

// True if there was the time and the mean gained enough.
bool MixtureSearch::add_member(MixtureCandidate& to, double until) {
  MixtureCandidate mean = to;
  const auto density = density_with_member(mean, until);
  if (!density || !(gain(*density, to.log_density) > kLeastMemberGain)) return false;
  mean.log_density = *density;
  to = std::move(mean);
  return true;
}

}  // namespace pathline

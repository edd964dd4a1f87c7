#include "train/run_clock.hpp"

#include <algorithm>

namespace pathline {

void RunClock::start(double seconds_before) { started_ = now(), seconds_before_ = seconds_before; }

bool RunClock::has_seen_none() const {
  return std::all_of(each_.begin(), each_.end(), [](double seconds) { return seconds == 0; });
}

void RunClock::iteration_took(std::size_t stage, double seconds) {
  constexpr double kMemory = 0.98;
  double& mean = each_[stage];
  mean = mean == 0 ? seconds : kMemory * mean + (1 - kMemory) * seconds;
}

double RunClock::seconds_left(const std::vector<StagePlan>& plan, std::size_t stage, Index iteration) const {
  double sum = 0;
  for (std::size_t s = stage; s < plan.size(); ++s)
    sum += each_[s] * static_cast<double>(plan[s].first + plan[s].iterations - std::max(iteration, plan[s].first));
  return sum;
}

std::optional<Index> RunClock::cooldown(bool last, double test_share) const {
  if (each_.back() == 0) return std::nullopt;  // a resumed run has not timed an iteration yet
  const double each = each_.back() + validation_ / static_cast<double>(options_.evaluate_every);
  // The last iteration validates, and so does the end of the run, which also tests.
  const double left = options_.seconds - seconds_spent() - (2 + test_share) * validation_;
  const double share = options_.cooldown_share * (options_.seconds - options_.seconds_spent);
  if (left > share + each && !last) return std::nullopt;
  return std::max<Index>(1, static_cast<Index>(left / std::max(each, 1e-9)));
}

}  // namespace pathline

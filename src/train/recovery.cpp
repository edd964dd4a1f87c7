#include "train/recovery.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace pathline {
namespace {

constexpr Index kSkipsInARow = 3, kRollbacks = 3;
constexpr double kRateFactor = 0.3;
constexpr Index kWellToTrust = 5;
// A gradient this many times as large as usual is not used. Clipping would bound its length, but its direction is that
// of the few samples whose solve diverged.
constexpr double kExplosion = 1e4;
constexpr Index kNormsToKnow = 50;
constexpr double kNormMemory = 0.99;
// More skips than these, even if no two follow each other, are not accidental.
constexpr Index kMostSkips = 100, kIterationsASkip = 50;

}  // namespace

std::string Recovery::wrong(double loss, double norm) const {
  if (!std::isfinite(loss) || !std::isfinite(norm)) return "the loss or its gradient is not finite";
  if (state_.norms >= kNormsToKnow && norm > kExplosion * std::exp(state_.log_norm))
    return fmt::format("the gradient's norm of {:.3g} is {:.1e} times its running mean", norm,
                       norm / std::exp(state_.log_norm));
  return "";
}

void Recovery::iteration_went_well(double norm) {
  state_.skipped = 0, ++state_.well;
  if (!(norm > 0)) return;
  const double memory =
      std::min(kNormMemory, static_cast<double>(state_.norms) / static_cast<double>(state_.norms + 1));
  state_.log_norm = memory * state_.log_norm + (1 - memory) * std::log(norm);
  ++state_.norms;
}

bool Recovery::validation_went_well() {
  if (state_.well < kWellToTrust) return false;
  state_.rollbacks = 0, first_wrong_.clear();
  return true;
}

void Recovery::new_stage() {
  state_.rate = 1, state_.skipped = state_.rollbacks = 0, state_.log_norm = 0, state_.norms = 0;
}

Recovery::Action Recovery::after_iteration(Index iteration) {
  ++state_.skipped, ++state_.all_skipped, state_.well = 0;
  if (state_.all_skipped > kMostSkips && state_.all_skipped > iteration / kIterationsASkip) return Action::stop;
  return state_.skipped < kSkipsInARow ? Action::skip : roll_back();
}

Recovery::Action Recovery::after_validation() { return roll_back(); }

Recovery::Action Recovery::roll_back() {
  state_.skipped = state_.well = 0;
  if (state_.rollbacks == kRollbacks) return Action::stop;
  ++state_.rollbacks, ++state_.all_rollbacks;
  state_.rate *= kRateFactor;
  return Action::roll_back;
}

void Recovery::remember(const std::string& what) {
  if (first_wrong_.empty()) first_wrong_ = what;
}

std::string Recovery::report(Action action, const std::string& where, const std::string& reason, Index good) const {
  return action == Action::roll_back
             ? fmt::format("{}: {}; going back to iteration {} with {:.2g} of the learning rate", where, reason, good,
                           state_.rate)
             : fmt::format("{}: {}; the iteration is skipped", where, reason);
}

std::string Recovery::failure(const std::string& checkpoint) const {
  return fmt::format(
      "{}; {} iterations were skipped and the run went back {} times, at last with {:.2g} of its learning rate;{} if "
      "training diverges, lower the learning rate or clip the gradient",
      first_wrong_, state_.all_skipped, state_.all_rollbacks, state_.rate, checkpoint);
}

}  // namespace pathline

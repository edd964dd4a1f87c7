#include "pathline/optim/ema.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include <fmt/format.h>

#include "core/option_check.hpp"

namespace pathline {

Ema::Ema(double decay, ConstVectorRef<double> theta) : decay_(decay), state_{theta, 0} {
  require(decay >= 0 && decay < 1, "ema", decay, "in [0, 1)");
}

void Ema::update(ConstVectorRef<double> theta) {
  assert(theta.size() == state_.average.size());
  const double n = static_cast<double>(state_.updates++);
  const double a = std::min(decay_, (1 + n) / (10 + n));
  state_.average = a * state_.average + (1 - a) * theta;
}

void Ema::set_state(EmaState state) {
  if (state.average.size() != state_.average.size())
    throw InputError(
        fmt::format("ema state: {} values for {} parameters", state.average.size(), state_.average.size()));
  if (!state.average.allFinite()) throw InputError("ema state: contains a value that is not finite");
  if (state.updates < 0) throw InputError(fmt::format("ema state: updates = {}: must be >= 0", state.updates));
  state_ = std::move(state);
}

}  // namespace pathline

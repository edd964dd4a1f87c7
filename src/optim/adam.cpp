#include "pathline/optim/adam.hpp"

#include <cassert>
#include <cmath>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "core/option_check.hpp"
#include "pathline/core/error.hpp"

namespace pathline {
namespace {

void check(const AdamOptions& o) {
  require(o.learning_rate > 0 && std::isfinite(o.learning_rate), "learning_rate", o.learning_rate, "> 0 and finite");
  require(o.beta1 >= 0 && o.beta1 < 1, "beta1", o.beta1, "in [0, 1)");
  require(o.beta2 >= 0 && o.beta2 < 1, "beta2", o.beta2, "in [0, 1)");
  require(o.epsilon > 0 && std::isfinite(o.epsilon), "epsilon", o.epsilon, "> 0 and finite");
  require(o.weight_decay >= 0 && std::isfinite(o.weight_decay), "weight_decay", o.weight_decay, ">= 0 and finite");
}

void refuse_nonfinite(ConstVectorRef<double> gradient) {
  for (Index i = 0; i < gradient.size(); ++i)
    if (!std::isfinite(gradient(i)))
      throw NumericalError(
          fmt::format("gradient({}) = {}: not finite, so the step is refused; lower the learning rate or clip the "
                      "gradient",
                      i, gradient(i)));
}

}  // namespace

const std::vector<std::string>& AdamOptions::decay_names() {
  static const std::vector<std::string> names = {"adam", "adamw"};
  return names;
}

Adam::Adam(Index size, const AdamOptions& options, ConstVectorRef<double> decays) : options_(options) {
  assert(size >= 0);
  check(options);
  if (decays.size() != 0 && decays.size() != size)
    throw InputError(fmt::format("decays: {} values for {} parameters", decays.size(), size));
  for (Index i = 0; i < decays.size(); ++i)
    require(decays(i) == 0 || decays(i) == 1, fmt::format("decays({})", i), decays(i), "0 or 1");
  if (decays.size() == 0)
    decay_ = Vector<double>::Constant(size, options.weight_decay);
  else
    decay_ = options.weight_decay * decays;
  state_.m = Vector<double>::Zero(size);
  state_.v = Vector<double>::Zero(size);
}

void Adam::step(VectorRef<double> theta, ConstVectorRef<double> gradient, double learning_rate) {
  assert(theta.size() == state_.m.size() && gradient.size() == state_.m.size());
  require(learning_rate >= 0 && std::isfinite(learning_rate), "learning_rate", learning_rate, ">= 0 and finite");
  refuse_nonfinite(gradient);

  const double beta1 = options_.beta1, beta2 = options_.beta2, epsilon = options_.epsilon;
  const double steps = static_cast<double>(++state_.steps);
  const double rate = learning_rate / (1 - std::pow(beta1, steps));  // corrects m, section 3 of the paper
  const double root = 1 / std::sqrt(1 - std::pow(beta2, steps));     // corrects sqrt(v)
  const bool coupled = options_.decay == AdamOptions::Decay::l2;
  const double l2 = coupled ? 1 : 0, shrink = coupled ? 0 : learning_rate;

  double* __restrict x = theta.data();
  double* __restrict m = state_.m.data();
  double* __restrict v = state_.v.data();
  const double* __restrict decay = decay_.data();
  for (Index i = 0; i < gradient.size(); ++i) {
    const double g = gradient.data()[i] + l2 * decay[i] * x[i];
    m[i] = beta1 * m[i] + (1 - beta1) * g;
    v[i] = beta2 * v[i] + (1 - beta2) * g * g;
    x[i] = (1 - shrink * decay[i]) * x[i] - rate * m[i] / (root * std::sqrt(v[i]) + epsilon);
  }
}

void Adam::set_state(AdamState state) {
  const Index size = state_.m.size();
  if (state.m.size() != size || state.v.size() != size)
    throw InputError(fmt::format("optimizer state: m has {} and v {} values for {} parameters", state.m.size(),
                                 state.v.size(), size));
  if (!state.m.allFinite() || !state.v.allFinite())
    throw InputError("optimizer state: contains a value that is not finite");
  if (size > 0 && !(state.v.minCoeff() >= 0)) throw InputError("optimizer state: v contains a negative value");
  if (state.steps < 0) throw InputError(fmt::format("optimizer state: steps = {}: must be >= 0", state.steps));
  state_ = std::move(state);
}

}  // namespace pathline

#include "pathline/optim/minimize.hpp"

#include <cmath>

#include <fmt/format.h>

#include "core/named_value.hpp"
#include "core/option_check.hpp"
#include "pathline/optim/clip.hpp"

namespace pathline {

const std::vector<std::string>& optimizer_names() {
  static const std::vector<std::string> names = {"adam", "gradient_descent"};
  return names;
}
OptimizerKind parse_optimizer(const std::string& name) {
  return parse_named<OptimizerKind>("optimizer", name, optimizer_names());
}

std::vector<double> minimize(Vector<double>& theta, const LossGradient& loss, const MinimizeOptions& o,
                             ConstVectorRef<double> decays) {
  require(o.iterations >= 0, "iterations", o.iterations, ">= 0");
  require(o.weight_decay >= 0, "weight_decay", o.weight_decay, ">= 0");
  const bool adaptive = o.optimizer == OptimizerKind::adam;
  if (!adaptive && o.weight_decay > 0) throw InputError("weight_decay applies only to the optimizer adam");
  const Schedule schedule{.kind = o.schedule, .learning_rate = o.learning_rate, .iterations = o.iterations};
  if (o.iterations > 0) check_schedule(schedule);
  Adam adam(theta.size(),
            {.learning_rate = o.learning_rate, .weight_decay = o.weight_decay, .decay = AdamOptions::Decay::decoupled},
            decays);
  std::vector<double> losses;
  Vector<double> gradient(theta.size());
  for (Index i = 0; i < o.iterations; ++i) {
    losses.push_back(loss(i, theta, gradient));
    const double norm = clip_norm(gradient, o.clip);
    if (!std::isfinite(losses.back()) || !std::isfinite(norm))
      throw NumericalError(fmt::format("iteration {}: the {} is not finite: use a smaller learning rate", i + 1,
                                       std::isfinite(losses.back()) ? "gradient" : "loss"));
    const double rate = learning_rate(schedule, i);
    if (adaptive)
      adam.step(theta, gradient, rate);
    else
      theta -= rate * gradient;
    if (o.progress) o.progress(i + 1, losses.back());
  }
  return losses;
}

}  // namespace pathline

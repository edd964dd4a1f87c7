#include "pathline/ode/options.hpp"

#include <cmath>

#include <fmt/format.h>

#include "core/named_value.hpp"
#include "core/option_check.hpp"

namespace pathline {

const std::vector<std::string>& stepper_names() {
  static const std::vector<std::string> names{"dopri5",    "euler",      "midpoint",       "rk4",
                                              "cash_karp", "fehlberg78", "bulirsch_stoer", "adams_bashforth_moulton"};
  return names;
}

StepperKind parse_stepper(const std::string& name) {
  return parse_named<StepperKind>("stepper", name, stepper_names());
}

std::string to_string(StepperKind kind) { return stepper_names()[static_cast<std::size_t>(kind)]; }

bool has_error_estimate(StepperKind kind) {
  return kind == StepperKind::cash_karp || kind == StepperKind::dopri5 || kind == StepperKind::fehlberg78 ||
         kind == StepperKind::bulirsch_stoer;
}

int stepper_order(StepperKind kind) {
  constexpr int orders[] = {5, 1, 2, 4, 5, 8, 8, 4};
  return orders[static_cast<std::size_t>(kind)];
}

void SolverOptions::check() const {
  require(rtol > 0 && std::isfinite(rtol), "rtol", rtol, "> 0");
  require(atol > 0 && std::isfinite(atol), "atol", atol, "> 0");
  require(steps >= 0, "steps", steps, ">= 0 (0: adaptive)");
  require(max_steps >= 1, "max_steps", max_steps, ">= 1");
  if (steps == 0 && !has_error_estimate(stepper))
    throw InputError(
        fmt::format("stepper '{}' has no error estimate; set steps > 0, or use dopri5, cash_karp, "
                    "fehlberg78 or bulirsch_stoer",
                    to_string(stepper)));
  if (steps > 0 && stepper == StepperKind::bulirsch_stoer)
    throw InputError(fmt::format("steps = {}: must be 0 for bulirsch_stoer, which chooses its own steps", steps));
  if (steps > max_steps)
    require(false, "steps", steps, fmt::format("<= max_steps = {}", max_steps));  // text only if it fails
}

}  // namespace pathline

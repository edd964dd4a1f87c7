#include "pathline/ode/options.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "pathline/core/error.hpp"

namespace pathline {

const std::vector<std::string>& stepper_names() {
  static const std::vector<std::string> names{"euler",  "midpoint",   "rk4",            "cash_karp",
                                              "dopri5", "fehlberg78", "bulirsch_stoer", "adams_bashforth_moulton"};
  return names;
}

StepperKind parse_stepper(const std::string& name) {
  const auto& names = stepper_names();
  const auto found = std::find(names.begin(), names.end(), name);
  if (found != names.end()) return static_cast<StepperKind>(found - names.begin());
  std::string list;
  for (const auto& n : names) list += (list.empty() ? "" : ", ") + n;
  throw InputError("stepper '" + name + "': must be one of " + list);
}

std::string to_string(StepperKind kind) { return stepper_names()[static_cast<std::size_t>(kind)]; }

bool has_error_estimate(StepperKind kind) {
  return kind == StepperKind::cash_karp || kind == StepperKind::dopri5 || kind == StepperKind::fehlberg78 ||
         kind == StepperKind::bulirsch_stoer;
}

int stepper_order(StepperKind kind) {
  constexpr int orders[] = {1, 2, 4, 5, 5, 8, 8, 4};
  return orders[static_cast<std::size_t>(kind)];
}

void SolverOptions::check() const {
  if (!(rtol > 0) || !std::isfinite(rtol)) throw InputError(fmt::format("rtol = {}: must be > 0", rtol));
  if (!(atol > 0) || !std::isfinite(atol)) throw InputError(fmt::format("atol = {}: must be > 0", atol));
  if (steps < 0) throw InputError(fmt::format("steps = {}: must be >= 0 (0: adaptive)", steps));
  if (max_steps < 1) throw InputError(fmt::format("max_steps = {}: must be >= 1", max_steps));
  if (steps == 0 && !has_error_estimate(stepper))
    throw InputError(fmt::format("stepper '{}' has no error estimate: give steps > 0, or take dopri5, cash_karp, "
                                 "fehlberg78 or bulirsch_stoer",
                                 to_string(stepper)));
  if (steps > 0 && stepper == StepperKind::bulirsch_stoer)
    throw InputError(fmt::format("steps = {}: bulirsch_stoer chooses its own steps; leave steps = 0", steps));
  if (steps > max_steps) throw InputError(fmt::format("steps = {}: must be <= max_steps = {}", steps, max_steps));
}

}  // namespace pathline

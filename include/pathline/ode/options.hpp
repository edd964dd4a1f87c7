/// \file
/// The stepper of an ODE solve and its accuracy.
#pragma once

#include <string>
#include <vector>

#include "pathline/core/types.hpp"

namespace pathline {

/// Boost.Odeint's steppers, of order 5(4), 1, 2, 4, 5(4), 8(7), variable and 4. euler, midpoint, rk4 and
/// adams_bashforth_moulton have no error estimate and therefore need a number of fixed steps.
enum class StepperKind {
  dopri5,  ///< Dormand & Prince 1980; FSAL, dense output
  euler,
  midpoint,  ///< Gragg's modified midpoint with two substeps
  rk4,
  cash_karp,               ///< Cash & Karp 1990
  fehlberg78,              ///< Fehlberg 1968
  bulirsch_stoer,          ///< Hairer, Norsett, Wanner I, II.9; always adaptive
  adams_bashforth_moulton  ///< four steps; starts with rk4
};

[[nodiscard]] StepperKind parse_stepper(const std::string& name);  ///< throws InputError that lists the names
[[nodiscard]] std::string to_string(StepperKind kind);
[[nodiscard]] const std::vector<std::string>& stepper_names();
[[nodiscard]] bool has_error_estimate(StepperKind kind);
[[nodiscard]] int stepper_order(
    StepperKind kind);  ///< order of the propagated solution; 8, the usual one, for bulirsch_stoer

struct SolverOptions {
  StepperKind stepper = StepperKind::dopri5;
  double rtol = 1e-5;       ///< > 0; the error of each sample is <= atol + rtol |x|, RMS over its components
  double atol = 1e-5;       ///< > 0
  Index steps = 0;          ///< > 0: this many equal steps, which use neither rtol nor atol; 0: adaptive steps
  Index max_steps = 10000;  ///< > 0: limit of accepted and rejected steps together

  void check() const;  ///< throws InputError that names field, value and constraint
  bool operator==(const SolverOptions&) const = default;
};

}  // namespace pathline

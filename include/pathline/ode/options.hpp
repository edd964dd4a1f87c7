// Which stepper solves an ODE, and how finely.
#pragma once

#include <string>
#include <vector>

#include "pathline/core/types.hpp"

namespace pathline {

// Boost.Odeint's steppers. Order: 5(4), 1, 2, 4, 5(4), 8(7), variable, 4. euler, midpoint, rk4 and
// adams_bashforth_moulton have no error estimate: they need a number of fixed steps.
enum class StepperKind {
  dopri5,                  // Dormand & Prince 1980; FSAL, dense output
  euler,
  midpoint,                // Gragg's modified midpoint with two substeps
  rk4,
  cash_karp,               // Cash & Karp 1990
  fehlberg78,              // Fehlberg 1968
  bulirsch_stoer,          // Hairer, Norsett, Wanner I, II.9; always adaptive
  adams_bashforth_moulton  // four steps; starts with rk4
};

StepperKind parse_stepper(const std::string& name);  // InputError with the names there are
std::string to_string(StepperKind kind);
const std::vector<std::string>& stepper_names();
bool has_error_estimate(StepperKind kind);
int stepper_order(StepperKind kind);  // of the solution that is kept; bulirsch_stoer: 8, its usual

struct SolverOptions {
  StepperKind stepper = StepperKind::dopri5;
  double rtol = 1e-5;      // > 0; error of a sample <= atol + rtol |x|, RMS over its components
  double atol = 1e-5;      // > 0
  Index steps = 0;         // > 0: that many equal steps, no error control; 0: adaptive
  Index max_steps = 10000; // > 0: accepted and rejected together

  void check() const;      // InputError naming field, value and constraint
  bool operator==(const SolverOptions&) const = default;
};

}  // namespace pathline

/// The three adjoint methods that differentiate the solution of an ODE.
#pragma once

#include <string>
#include <vector>

#include "pathline/ode/options.hpp"

namespace pathline {

/// - discrete differentiates the accepted Runge-Kutta steps. It gives the exact gradient of what was computed at any
///   tolerance; its memory grows with the number of steps.
/// - backsolve (Chen et al. 2018, algorithm 1) solves z backwards together with the adjoint in constant memory.
/// - checkpointed is like backsolve, but resets z to the stored forward state at every forward step.
enum class AdjointKind { discrete, checkpointed, backsolve };
[[nodiscard]] AdjointKind parse_adjoint(const std::string& name);  ///< throws InputError that lists the names
[[nodiscard]] std::string to_string(AdjointKind kind);
[[nodiscard]] const std::vector<std::string>& adjoint_names();

/// InputError, naming SolverOptions::stepper, for a stepper that the method cannot differentiate: the discrete one
/// needs a Runge-Kutta method.
void check_adjoint(AdjointKind kind, const SolverOptions& options);

}  // namespace pathline

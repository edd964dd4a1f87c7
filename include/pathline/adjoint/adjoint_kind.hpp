/// Which of three strategies takes the gradient back through an ODE's solve.
#pragma once

#include <string>
#include <vector>

namespace pathline {

/// discrete: the exact reverse of the accepted Runge-Kutta steps, so the exact gradient of what was computed at any
/// tolerance; memory grows with the steps. backsolve (Chen et al. 2018, algorithm 1): z is solved back together with
/// the adjoint; memory does not grow. checkpointed: as backsolve, with z set to the stored forward state at every
/// forward step.
enum class AdjointKind { discrete, checkpointed, backsolve };
AdjointKind parse_adjoint(const std::string& name);  ///< InputError with the names there are.
std::string to_string(AdjointKind kind);
const std::vector<std::string>& adjoint_names();

}  // namespace pathline

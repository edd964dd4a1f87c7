#include "pathline/adjoint/adjoint_kind.hpp"

#include "core/named_value.hpp"
#include "pathline/ode/tableau.hpp"

namespace pathline {

const std::vector<std::string>& adjoint_names() {
  static const std::vector<std::string> names = {"discrete", "checkpointed", "backsolve"};
  return names;
}
AdjointKind parse_adjoint(const std::string& name) {
  return parse_named<AdjointKind>("adjoint", name, adjoint_names());
}
std::string to_string(AdjointKind kind) { return adjoint_names()[static_cast<std::size_t>(kind)]; }

void check_adjoint(AdjointKind kind, const SolverOptions& options) {
  if (kind == AdjointKind::discrete && !find_tableau(options.stepper))
    throw InputError("stepper = " + to_string(options.stepper) +
                     ": the discrete adjoint needs a Runge-Kutta method; use one, or adjoint = backsolve");
}

}  // namespace pathline

/// \file
/// The coefficients of the explicit Runge-Kutta methods, from which the adjoint of a step is computed.
#pragma once

#include <vector>

#include "pathline/ode/options.hpp"

namespace pathline {

/// k_i = f(t + c_i h, x + h sum_j a_ij k_j), x1 = x + h sum_i b_i k_i (Hairer, Norsett, Wanner I, II.1). The tableau of
/// dopri5 omits the last stage, which has b = 0 and is the first stage of the next step.
struct Tableau {
  std::vector<std::vector<double>> a;  ///< row i has i entries
  std::vector<double> b, c;
  std::size_t stages() const { return b.size(); }
};

/// Returns null for bulirsch_stoer and adams_bashforth_moulton, which have no fixed Runge-Kutta tableau.
[[nodiscard]] const Tableau* find_tableau(StepperKind kind);

}  // namespace pathline

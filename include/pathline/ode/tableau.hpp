// The coefficients of the explicit Runge-Kutta methods, for what a step does not say: its stages.
#pragma once

#include <vector>

#include "pathline/ode/options.hpp"

namespace pathline {

// k_i = f(t + c_i h, x + h sum_j a_ij k_j), x1 = x + h sum_i b_i k_i (Hairer, Norsett, Wanner I, II.1). The last stage
// of dopri5, which has b = 0 and serves the next step, is left out.
struct Tableau {
  std::vector<std::vector<double>> a;  // row i has i entries
  std::vector<double> b, c;
  std::size_t stages() const { return b.size(); }
};

// Null for bulirsch_stoer and adams_bashforth_moulton, which are not Runge-Kutta methods of one fixed tableau.
const Tableau* find_tableau(StepperKind kind);

}  // namespace pathline

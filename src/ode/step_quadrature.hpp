// Integrals along a solve, of integrands that the solve itself does not depend on.
#pragma once

#include <cmath>

#include "pathline/ode/solver.hpp"

namespace pathline {

// Calls visit(t, x(t), weight) at the Gauss-Legendre nodes of an accepted step; the weights add up to t1 - t0. x(t)
// comes from the dense output of the step and is written to `node`. There are three nodes (order 6), or five (order 10)
// for a method of order 8, whose steps are so long that three nodes would dominate the error.
template <class S, class Visit>
void visit_gauss_nodes(const Step<S>& step, int method_order, State<S>& node, Visit visit) {
  static const double inner = std::sqrt(5 - 2 * std::sqrt(10. / 7)) / 3,
                      outer = std::sqrt(5 + 2 * std::sqrt(10. / 7)) / 3;
  static const double of_inner = (322 + 13 * std::sqrt(70.)) / 1800, of_outer = (322 - 13 * std::sqrt(70.)) / 1800;
  static const double nodes[2][5] = {{-std::sqrt(0.6), 0, std::sqrt(0.6)}, {-outer, -inner, 0, inner, outer}};
  static const double weights[2][5] = {{5. / 18, 8. / 18, 5. / 18},
                                       {of_outer, of_inner, 64. / 225, of_inner, of_outer}};
  const int rule = method_order > 5 ? 1 : 0;
  const double h = step.t1 - step.t0;
  for (int q = 0; q < 3 + 2 * rule; ++q) {
    const double t = step.t0 + 0.5 * h * (1 + nodes[rule][q]);
    step.at(t, node);
    visit(t, node, h * weights[rule][q]);
  }
}

}  // namespace pathline

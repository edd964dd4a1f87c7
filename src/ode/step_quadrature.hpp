// Integrals along a solve of what feeds nothing back into it.
#pragma once

#include <cmath>

#include "pathline/ode/solver.hpp"

namespace pathline {

// Gauss and Legendre's three nodes on an accepted step: visit(t, x(t), weight), with x from the step's dense output (in
// `node`, scratch) and weights that add up to t1 - t0.
template <class S, class Visit> void visit_gauss_nodes(const Step<S>& step, State<S>& node, Visit visit) {
  static const double nodes[] = {-std::sqrt(0.6), 0, std::sqrt(0.6)}, weights[] = {5. / 18, 8. / 18, 5. / 18};
  const double h = step.t1 - step.t0;
  for (int q = 0; q < 3; ++q) {
    const double t = step.t0 + 0.5 * h * (1 + nodes[q]);
    step.at(t, node);
    visit(t, node, h * weights[q]);
  }
}

}  // namespace pathline

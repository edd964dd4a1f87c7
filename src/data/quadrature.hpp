// Gauss-Legendre quadrature on panels, for densities that are an integral over a curve's parameter.
#pragma once

#include <Eigen/Core>

namespace pathline {

struct Quadrature {
  Eigen::ArrayXd nodes, weights;  // the weights add up to the length of the interval
};

// The `order` nodes of Gauss-Legendre on [-1, 1].
Quadrature gauss_legendre(int order);

// `panels` equal panels of [a, b] with `order` nodes each. The first and the last panel are halved
// `halvings` times toward their end: there an integrand seen from far away falls off like exp(-rate t).
Quadrature graded_panels(double a, double b, int panels, int order, int halvings);

}  // namespace pathline

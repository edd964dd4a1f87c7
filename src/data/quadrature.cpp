#include "data/quadrature.hpp"

#include <cmath>
#include <numbers>
#include <vector>

namespace pathline {

Quadrature gauss_legendre(int order) {
  Quadrature q{Eigen::ArrayXd(order), Eigen::ArrayXd(order)};
  for (int i = 0; i < order; ++i) {
    double x = std::cos(std::numbers::pi * (i + 0.75) / (order + 0.5));  // Abramowitz, Stegun 22.16.6
    double slope = 0, step = 1;
    for (int iteration = 0; iteration < 100 && std::abs(step) > 1e-15; ++iteration) {
      double previous = 1, value = x;  // P_0, P_1; then the three-term recurrence
      for (int k = 2; k <= order; ++k) {
        const double next = ((2 * k - 1) * x * value - (k - 1) * previous) / k;
        previous = value;
        value = next;
      }
      slope = order * (x * value - previous) / (x * x - 1);
      step = value / slope;
      x -= step;
    }
    q.nodes(order - 1 - i) = x;
    q.weights(order - 1 - i) = 2 / ((1 - x * x) * slope * slope);  // Abramowitz, Stegun 25.4.29
  }
  return q;
}

Quadrature graded_panels(double a, double b, int panels, int order, int halvings) {
  const double width = (b - a) / panels;
  std::vector<double> edges{a};
  for (int i = halvings; i > 0; --i) edges.push_back(a + std::ldexp(width, -i));
  for (int i = 1; i < panels; ++i) edges.push_back(a + i * width);
  for (int i = 1; i <= halvings; ++i) edges.push_back(b - std::ldexp(width, -i));
  edges.push_back(b);

  const Quadrature rule = gauss_legendre(order);
  const Eigen::Index total = static_cast<Eigen::Index>(edges.size() - 1) * order;
  Quadrature q{Eigen::ArrayXd(total), Eigen::ArrayXd(total)};
  for (std::size_t p = 0; p + 1 < edges.size(); ++p) {
    const double half = (edges[p + 1] - edges[p]) / 2, middle = (edges[p + 1] + edges[p]) / 2;
    q.nodes.segment(p * order, order) = middle + half * rule.nodes;
    q.weights.segment(p * order, order) = half * rule.weights;
  }
  return q;
}

}  // namespace pathline

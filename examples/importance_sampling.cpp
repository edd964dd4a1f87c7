// A Monte Carlo loop with a flow as its proposal: the integral Z of exp(-E(v, x)), Neal's funnel, to a relative error
// of 0.1 %. Plain sampling needs a proposal by hand for a density whose width changes by orders of magnitude.
#include <cmath>
#include <iostream>

#include "pathline/core/importance_weights.hpp"
#include "pathline/density.hpp"

double energy(double v, double x) { return v * v / 18 + v / 2 + x * x / (2 * std::exp(v)); }

int main() {
  const pathline::Density proposal("models/funnel.h5");
  pathline::RowVector<double> log_weights(0);
  double log_z = 0, error = 1;
  for (std::uint64_t batch = 0; batch < 40 && !(error < 0.001); ++batch) {
    const pathline::Matrix<double> points = proposal.sample(500, /*seed=*/batch);
    pathline::RowVector<double> log_weight = -proposal.log_prob(points);
    for (pathline::Index i = 0; i < points.cols(); ++i) log_weight[i] -= energy(points(0, i), points(1, i));
    log_weights.conservativeResize(log_weights.size() + log_weight.size());
    log_weights.tail(log_weight.size()) = log_weight;
    const pathline::ImportanceWeights weights(log_weights);
    log_z = weights.log_mean, error = weights.spread;
  }
  const double exact = std::log(6 * M_PI);
  std::cout << "log Z: " << log_z << " +- " << error << " from " << log_weights.size() << " draws; exact: " << exact
            << "\n";
  return std::abs(log_z - exact) < 0.005 ? 0 : 1;  // five standard errors
}

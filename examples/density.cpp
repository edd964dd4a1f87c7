// Loads a trained model, draws from it and evaluates its density.
#include <cmath>
#include <iostream>

#include "pathline/density.hpp"

int main() {
  const pathline::Density moons("models/moons.h5");
  const pathline::Matrix<double> x = moons.sample(1000, /*seed=*/1);  // 2 x 1000, one sample a column
  const double entropy = -moons.log_prob(x).mean();                   // nats
  std::cout << "entropy: " << entropy << " nats; of the data: 2.394\n";
  return std::abs(entropy - 2.394) < 0.1 ? 0 : 1;  // five standard errors of 1000 draws
}

#include "pathline/density.hpp"

int main() {
  const pathline::Density moons("models/moons.h5");
  const pathline::Matrix<double> x = moons.sample(1000, /*seed=*/1);  // 2 x 1000
  const pathline::RowVector<double> log_p = moons.log_prob(x);        // 1 x 1000
  return log_p.allFinite() ? 0 : 1;
}

// Returns 0 if a density of the installed library integrates: mean of -log p over its own draws is its entropy.
#include <cmath>
#include <cstdio>

#include <pathline/core/random.hpp>
#include <pathline/dataset/toy.hpp>

int main() {
  const auto& moons = pathline::find_toy("moons");
  auto engine = pathline::make_stream(1, "embed");
  pathline::Matrix<double> x(2, 10000);  // d x N
  moons.sample(engine, x);
  const double nll = -moons.log_density(x).mean();
  std::printf("%.3f nats, entropy %.3f\n", nll, moons.entropy());
  return std::abs(nll - moons.entropy()) < 0.05 ? 0 : 1;  // 0.05: five standard errors of 10,000 draws
}

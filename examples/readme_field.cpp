#include <cmath>

#include "pathline/pathline.hpp"

int main() {
  const auto relaxation = [](const auto&, const auto& z, const auto&, const auto& theta, auto& f) {
    f = exp(theta[0]) * (theta.tail(2) - z);  // dz/dt = exp(a) (mu - z)
  };
  auto field = pathline::make_field<double>(relaxation, /*dim=*/2, {{"a", 0.0}, {"mu", {0.0, 0.0}}});
  const pathline::Matrix<double> x = pathline::Matrix<double>::Random(2, 4000);  // one sample per column
  pathline::Trainer<double> trainer(pathline::Flow<double>(pathline::Cnf<double>{field}), pathline::matrix_data(x),
                                    pathline::maximum_likelihood<double>(), {.iterations = 200});
  return std::isfinite(trainer.run().test.nll) ? 0 : 1;
}

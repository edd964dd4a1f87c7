// A program of a user who treats warnings as errors: tests/CMakeLists.txt compiles it with many of them. It writes options
// as the documentation does, with the members by name that it sets.
#include "pathline/pathline.hpp"

int main() {
  const auto relaxation = [](const auto&, const auto& z, const auto&, const auto& theta, auto& f) {
    f = exp(theta[0]) * (theta.tail(2) - z);
  };
  auto field = pathline::make_field<double>(relaxation, /*dim=*/2, {{"a", 0.0}, {"mu", {0.0, 0.0}}});
  const pathline::Matrix<double> x = pathline::Matrix<double>::Random(2, 400), none(0, 0);
  pathline::Trainer<double> trainer(pathline::Flow<double>(pathline::Cnf<double>{field}),
                                    pathline::matrix_data(x, {.standardize = false}),
                                    pathline::maximum_likelihood<double>(), {.iterations = 2});
  (void)trainer.run();
  const auto& flow = trainer.best();
  (void)flow.log_prob(x, none, {.threads = 2});
  (void)flow.score(x, none, {.tile = 32});
  (void)pathline::odeint<double>(*field, x, {0.0, 1.0}, {.threads = 2});
  const pathline::Density moons("models/moons.h5", {.threads = 2});
  return moons.sample(3, 1).allFinite() ? 0 : 1;
}

// Approximates a density that is known up to its constant, without data: the Boltzmann distribution of a quartic well,
// exp(-|x|^4 / 4), whose integral is pi^(3/2).
#include <cmath>
#include <iostream>

#include "pathline/pathline.hpp"

int main() {
  pathline::Target well;
  well.dim = 2;
  well.log_density = [](pathline::ConstMatrixRef<double> x, pathline::Matrix<double>* gradient) {
    const pathline::RowVector<double> r2 = x.colwise().squaredNorm();
    if (gradient) *gradient = -(x.array().rowwise() * r2.array()).matrix();
    return pathline::RowVector<double>(-r2.array().square() / 4);
  };

  auto field = std::make_shared<pathline::Mlp<float>>(pathline::MlpOptions{.dim = 2, .hidden = {32, 32}});
  pathline::Engine engine = pathline::make_stream(/*seed=*/0, "weights");
  field->initialize(engine);
  pathline::Trainer<float> trainer(pathline::Flow<float>(pathline::Cnf<float>(field)), pathline::TrainingData::none(2),
                                   pathline::reverse_kl<float>(well), {.iterations = 200});
  const auto result = trainer.run();
  const double exact = 1.5 * std::log(M_PI);
  std::cout << "log Z: " << *result.test.log_z << "; exact: " << exact
            << "; effective sample size: " << 100 * *result.test.ess << " %\n";
  return std::abs(*result.test.log_z - exact) < 0.02 && *result.test.ess > 0.9 ? 0 : 1;
}

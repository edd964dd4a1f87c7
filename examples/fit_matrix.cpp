// Fits a density to the columns of a matrix in memory, and compares it with the distribution that the data came from.
#include <cmath>
#include <iostream>
#include <random>

#include "pathline/pathline.hpp"

// x1 ~ N(0, 1), x2 | x1 ~ N(x1^2, 1/2^2): a banana, whose entropy is known.
pathline::Matrix<double> bananas(pathline::Index n) {
  std::mt19937 engine(1);
  std::normal_distribution<double> normal;
  pathline::Matrix<double> x(2, n);
  for (pathline::Index i = 0; i < n; ++i) {
    x(0, i) = normal(engine);
    x(1, i) = x(0, i) * x(0, i) + 0.5 * normal(engine);
  }
  return x;
}

int main() {
  auto field = std::make_shared<pathline::Mlp<float>>(pathline::MlpOptions{.dim = 2, .hidden = {32, 32}});
  pathline::Engine engine = pathline::make_stream(/*seed=*/0, "weights");
  field->initialize(engine);
  pathline::Trainer<float> trainer(pathline::Flow<float>(pathline::Cnf<float>(field)),
                                   pathline::matrix_data(bananas(10000)), pathline::maximum_likelihood<float>(),
                                   {.iterations = 300});
  const auto result = trainer.run();
  const double entropy = 1 + std::log(2 * M_PI) - std::log(2);
  std::cout << "test NLL: " << result.test.nll << " +- " << result.test.nll_error
            << " nats; entropy of the data: " << entropy << "\n";
  return std::abs(result.test.nll - entropy) < 0.15 ? 0 : 1;  // 1000 test points: a standard error of 0.03
}

// Fits a conditional density p(x | c) to pairs, and evaluates it at one c: a noisy sine whose noise grows with c.
#include <cmath>
#include <iostream>
#include <random>

#include "pathline/pathline.hpp"

double width(double c) { return 0.1 + 0.2 * c; }

int main() {
  std::mt19937 engine(1);
  std::normal_distribution<double> normal;
  std::uniform_real_distribution<double> uniform(0, 3);
  pathline::Matrix<double> x(1, 10000), c(1, 10000);
  for (pathline::Index i = 0; i < x.cols(); ++i) {
    c(0, i) = uniform(engine);
    x(0, i) = std::sin(c(0, i)) + width(c(0, i)) * normal(engine);
  }

  auto field =
      std::make_shared<pathline::Mlp<float>>(pathline::MlpOptions{.dim = 1, .condition_dim = 1, .hidden = {32, 32}});
  pathline::Engine weights = pathline::make_stream(/*seed=*/0, "weights");
  field->initialize(weights);
  pathline::Trainer<float> trainer(pathline::Flow<float>(pathline::Cnf<float>(field)), pathline::matrix_data(x, c),
                                   pathline::maximum_likelihood<float>(), {.iterations = 300});
  trainer.run();

  // At c = 2: the density on a grid, its mean and width by the midpoint rule.
  const double at = 2, step = 0.02;
  const pathline::Matrix<double> grid = pathline::RowVector<double>::LinSpaced(250, -1.5 + step / 2, 3.5 - step / 2);
  const pathline::RowVector<double> p =
      trainer.best().log_prob(grid, pathline::Matrix<double>::Constant(1, 250, at)).log_prob.array().exp();
  const double mass = step * p.sum(), mean = step * p.dot(grid.row(0));
  const double deviation = std::sqrt(step * p.dot(grid.row(0).array().square().matrix()) - mean * mean);
  std::cout << "at c = 2: mass " << mass << ", mean " << mean << " (exact " << std::sin(at) << "), width " << deviation
            << " (exact " << width(at) << ")\n";
  return std::abs(mass - 1) < 0.01 && std::abs(mean - std::sin(at)) < 0.1 && std::abs(deviation - width(at)) < 0.1 ? 0
                                                                                                                   : 1;
}

// Trains a vector field of one's own, given as one function: everything relaxes to mu at the rate exp(a). Fitted to a
// normal distribution, it has to find the rate and the centre that make that distribution out of N(0, 1). A file keeps
// the parameters by their names, and is read into a flow of the same field.
#include <cmath>
#include <filesystem>
#include <iostream>

#include "pathline/pathline.hpp"

int main() {
  const auto relaxation = [](const auto&, const auto& z, const auto&, const auto& theta, auto& f) {
    f = exp(theta[0]) * (theta.tail(2) - z);
  };
  pathline::Matrix<double> x(2, 4000);  // N((2, -1), 0.5^2)
  pathline::Engine engine = pathline::make_stream(/*seed=*/1, "data");
  pathline::fill_normal<double>(engine, x);
  x = (0.5 * x).colwise() + pathline::Vector<double>{{2, -1}};

  auto field = pathline::make_field<double>(relaxation, /*dim=*/2, {{"a", 0.0}, {"mu", {0.0, 0.0}}});
  pathline::Trainer<double> trainer(pathline::Flow<double>(pathline::Cnf<double>{field}),
                                    pathline::matrix_data(x, {.standardize = false}),
                                    pathline::maximum_likelihood<double>(), {.iterations = 1500});
  trainer.run();
  const pathline::Vector<double> theta = trainer.best().theta();
  // After the time 1: mean mu (1 - exp(-rate)), width exp(-rate).
  std::cout << "rate: " << std::exp(theta[0]) << ", exact: " << std::log(2) << "; mu: " << theta[1] << " " << theta[2]
            << ", exact: 4 -2\n";

  const std::string file = (std::filesystem::temp_directory_path() / "pathline example own_field.h5").string();
  pathline::write_model(file, pathline::Model<double>{trainer.best(), {}});
  pathline::Flow<double> loaded(
      pathline::Cnf<double>{pathline::make_field<double>(relaxation, /*dim=*/2, {{"a", 0.0}, {"mu", {0.0, 0.0}}})});
  pathline::read_parameters_into(file, loaded);
  std::filesystem::remove(file);
  const bool right = std::abs(std::exp(theta[0]) - std::log(2)) < 0.05 && std::abs(theta[1] - 4) < 0.2;
  return right && loaded.theta() == theta ? 0 : 1;
}

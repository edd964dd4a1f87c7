// Data of one's own: a simulation that draws fresh samples for every batch, so that nothing is overfitted. The run is
// stopped half way, continued from its files, and the model loaded as any program would.
#include <cmath>
#include <filesystem>
#include <iostream>

#include "pathline/pathline.hpp"

// A particle decays after an exponential time of mean 1, which a detector measures with a resolution of 0.3; its energy
// is 1 + the true time, measured with the same resolution.
class Detector final : public pathline::DataSource {
 public:
  Detector() {
    columns_ = {"time", "energy"};
    pathline::Engine engine = pathline::make_stream(/*seed=*/0, "held out");
    validation_.resize(2, 2000), test_.resize(2, 4000);
    batch(engine, validation_), batch(engine, test_);
    standardizer_ = pathline::fit_standardizer(validation_);
  }
  void batch(pathline::Engine& engine, pathline::MatrixRef<double> out) const override {
    for (pathline::Index i = 0; i < out.cols(); ++i) {
      const double time = -std::log(1 - pathline::uniform(engine));
      out(0, i) = time + 0.3 * pathline::normal(engine);
      out(1, i) = 1 + time + 0.3 * pathline::normal(engine);
    }
  }
};

// log of the integral of exp(-s) N(t; s, r^2) N(e; 1 + s, r^2) over s > 0, in closed form.
double exact_log_density(double time, double energy) {
  const double r = 0.3, mean = (time + energy - 1) / 2, width = r / std::sqrt(2), shifted = mean - width * width;
  const double difference = time - energy + 1;
  return std::log(0.5 * std::erfc(-shifted / (width * std::sqrt(2)))) - mean + width * width / 2 -
         difference * difference / (4 * r * r) - 0.5 * std::log(4 * M_PI * r * r);
}

int main() {
  const std::string directory = (std::filesystem::temp_directory_path() / "pathline example own_data").string();
  const pathline::TrainingData data(std::make_shared<Detector>());
  auto field = std::make_shared<pathline::Mlp<float>>(pathline::MlpOptions{.dim = 2, .hidden = {32, 32}});
  pathline::Engine engine = pathline::make_stream(/*seed=*/0, "weights");
  field->initialize(engine);
  const pathline::Flow<float> flow{pathline::Cnf<float>(field)};

  pathline::TrainerOptions options{.iterations = 400, .directory = directory, .replace = true};
  pathline::TrainingCallbacks<float> stop{.iteration = [](const auto& progress, const auto&) {
    return progress.iteration == 200 ? pathline::TrainingAction::stop : pathline::TrainingAction::proceed;
  }};
  pathline::Trainer<float>(flow, data, pathline::maximum_likelihood<float>(), options, stop).run();
  options.replace = false, options.resume = true;
  pathline::Trainer<float>(flow, data, pathline::maximum_likelihood<float>(), options).run();

  const pathline::Density density(directory + "/model.h5");
  const pathline::RowVector<double> log_p = density.log_prob(data.test().x);
  double kl = 0;
  for (pathline::Index i = 0; i < log_p.size(); ++i)
    kl += (exact_log_density(data.test().x(0, i), data.test().x(1, i)) - log_p[i]) / static_cast<double>(log_p.size());
  std::cout << "KL(data || model) of (" << density.columns()[0] << ", " << density.columns()[1] << "): " << kl
            << " nats\n";
  std::filesystem::remove_all(directory);
  return std::abs(kl) < 0.05 ? 0 : 1;
}

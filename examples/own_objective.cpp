// An objective of one's own: maximum likelihood with a prior on the parameters, whose minimum is the MAP estimate. The
// model is a normal distribution of known width about an unknown centre, so the exact estimate is known.
#include <cmath>
#include <iostream>

#include "pathline/pathline.hpp"

constexpr pathline::Index kSamples = 20;
constexpr double kPriorWidth = 0.2;  // mu ~ N(0, 0.2^2): a strong prior, which 20 samples far from 0 do not overcome

// -log p(x) - log prior(theta) / N, averaged over the batch.
class Posterior final : public pathline::Objective<double> {
 public:
  std::string kind() const override { return "posterior"; }
  pathline::ObjectiveGradient operator()(const pathline::Flow<double>& flow, const pathline::Batch& batch,
                                         pathline::Index iteration) override {
    auto g = (*likelihood_)(flow, batch, iteration);
    const pathline::Vector<double> mu = flow.theta().tail(1);
    const double scale = 1 / (kPriorWidth * kPriorWidth * kSamples);
    g.loss += 0.5 * scale * mu.squaredNorm();
    g.theta.tail(1) += scale * mu;
    return g;
  }

 private:
  std::unique_ptr<pathline::Objective<double>> likelihood_ = pathline::maximum_likelihood<double>();
};

int main() {
  pathline::Matrix<double> x(1, kSamples);
  pathline::Engine engine = pathline::make_stream(/*seed=*/1, "data");
  pathline::fill_normal<double>(engine, x);
  x = (0.5 * x.array() + 1).matrix();  // N(1, 0.5^2)

  // dz/dt = log(2) (mu - z): after the time 1 the width is 1/2 and the mean mu / 2.
  const auto relaxation = [](const auto&, const auto& z, const auto&, const auto& theta, auto& f) {
    f = std::log(2.0) * (theta - z);
  };
  auto field = pathline::make_field<double>(relaxation, /*dim=*/1, {{"mu", 0.0}});
  const auto data = pathline::matrix_data(x, {.validation_fraction = 0, .test_fraction = 0, .standardize = false});
  pathline::Trainer<double> trainer(pathline::Flow<double>(pathline::Cnf<double>{field}), data,
                                    std::make_shared<Posterior>(), {.iterations = 500, .batch = kSamples});
  trainer.run();

  const double mu = trainer.best().theta()[0], precision = 1 / (0.5 * 0.5), n = kSamples;
  const double exact = 0.5 * n * x.mean() * precision / (0.25 * n * precision + 1 / (kPriorWidth * kPriorWidth));
  std::cout << "MAP estimate of mu: " << mu << ", exact: " << exact << "; by the data alone: " << 2 * x.mean() << "\n";
  return std::abs(mu - exact) < 1e-3 ? 0 : 1;
}

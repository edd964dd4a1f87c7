// circles, rings: a uniform point on one of several circles about 0, plus isotropic normal noise.
#include <cmath>
#include <numbers>
#include <vector>

#include "core/log_sum_exp.hpp"
#include "data/toys.hpp"

namespace pathline {
namespace {

// log(exp(-x) I0(x)) for x >= 0. Power series (Abramowitz, Stegun 9.6.12, all terms positive) below 30;
// above it the asymptotic series (9.7.1), whose terms there fall below 1e-17 before they grow.
double log_scaled_bessel_i0(double x) {
  double term = 1, sum = 1;
  if (x < 30) {
    for (int k = 1; term > 1e-17 * sum; ++k) sum += term *= x * x / (4.0 * k * k);
    return std::log(sum) - x;
  }
  for (int k = 1; term > 1e-17; ++k) sum += term *= (2 * k - 1) * (2 * k - 1) / (8.0 * k * x);
  return std::log(sum) - 0.5 * std::log(2 * std::numbers::pi * x);
}

class RingToy final : public Toy {
 public:
  RingToy(About about, std::vector<double> radii, double sigma)
      : Toy(std::move(about)), radii_(std::move(radii)), sigma_(sigma) {}

 private:
  Point draw(Engine& engine) const override {
    const double radius = radii_[uniform_index(engine, static_cast<Index>(radii_.size()))];
    const double angle = uniform(engine, 0, 2 * std::numbers::pi);
    const double dx = normal(engine), dy = normal(engine);
    return radius * Point(std::cos(angle), std::sin(angle)) + sigma_ * Point(dx, dy);
  }

  // The angle integrated out, with rho = |x|:
  // p(x) = mean over R of exp(-(rho^2 + R^2) / 2 s^2) I0(rho R / s^2) / (2 pi s^2).
  double log_density_at(const Point& x) const override {
    const double rho = x.stableNorm(), variance = sigma_ * sigma_;
    Eigen::ArrayXd terms(static_cast<Index>(radii_.size()));
    for (Index i = 0; i < terms.size(); ++i) {
      const double gap = rho - radii_[i];
      terms(i) = -0.5 * gap * gap / variance + log_scaled_bessel_i0(rho * radii_[i] / variance);
    }
    return log_sum_exp(terms) - std::log(2 * std::numbers::pi * variance * static_cast<double>(radii_.size()));
  }

  std::vector<double> radii_;
  double sigma_;
};

}  // namespace

std::unique_ptr<Toy> make_circles() {
  return std::make_unique<RingToy>(
      RingToy({.name = "circles",
               .description = "a point on a circle of radius 1 or 0.5, plus N(0, 0.08^2); all x 3",
               .entropy = 3.26813571},
              {3, 1.5}, 0.24));
}

std::unique_ptr<Toy> make_rings() {
  return std::make_unique<RingToy>(
      RingToy({.name = "rings",
               .description = "a point on a circle of radius 3, 2.25, 1.5 or 0.75, plus N(0, 0.08^2)",
               .entropy = 2.62318277},
              {3, 2.25, 1.5, 0.75}, 0.08));
}

}  // namespace pathline

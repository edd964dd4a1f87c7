// 2spirals: two arms with two kinds of noise, uniform in a box before the scaling and normal after it.
#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "core/log_sum_exp.hpp"
#include "data/quadrature.hpp"
#include "data/toys.hpp"

namespace pathline {
namespace {

constexpr double kTurn = 3 * std::numbers::pi;  // n = kTurn sqrt(U), so its density is 2 n / kTurn^2
constexpr double kBox = 0.5 / 3, kNoise = 0.1;
constexpr double kNegligible = 40;  // nats below a term already in the sum: e^-40 = 4e-18
constexpr int kPanels = 64, kArmOrder = 12, kArmHalvings = 10;

Eigen::Vector2d arm(double n) { return Eigen::Vector2d(-n * std::cos(n) / 3, n * std::sin(n) / 3); }

// exp(x^2) erfc(x) for x >= 3; above 25 its asymptotic series (Abramowitz, Stegun 7.1.23) to 1e-14.
double scaled_erfc(double x) {
  if (x < 25) return std::exp(x * x) * std::erfc(x);
  const double u = 0.5 / (x * x);
  return (1 - u * (1 - 3 * u * (1 - 5 * u * (1 - 7 * u)))) / (x * std::sqrt(std::numbers::pi));
}

// Log-density at y of U(0, kBox) + N(0, kNoise^2): (Phi(y / s) - Phi((y - w) / s)) / w.
double log_box_normal(double y) {
  y = std::max(y, kBox - y);  // the distribution is symmetric about the middle of the box
  const double unit = 1 / (kNoise * std::numbers::sqrt2), far = y * unit, near = (y - kBox) * unit;
  if (near < 3) return std::log((std::erfc(near) - std::erfc(far)) / (2 * kBox));
  const double rest = scaled_erfc(far) * std::exp(-(far - near) * (far + near));
  return -near * near + std::log((scaled_erfc(near) - rest) / (2 * kBox));
}

class SpiralsToy final : public Toy {
 public:
  SpiralsToy()
      : Toy({.name = "2spirals",
             .description = "+-((-n cos n, n sin n) + U(0, 0.5)^2) / 3 with n = 3 pi sqrt(U), plus N(0, 0.1^2)",
             .entropy = 2.64545028}) {
    const Quadrature rule = graded_panels(0, kTurn, kPanels, kArmOrder, kArmHalvings);
    x_.resize(rule.nodes.size()), y_.resize(rule.nodes.size());
    for (Index i = 0; i < rule.nodes.size(); ++i) {
      const Point c = arm(rule.nodes(i));
      x_(i) = c(0), y_(i) = c(1);
    }
    log_weight_ = (rule.weights * rule.nodes / (kTurn * kTurn)).log();  // with the 1/2 of the random sign
  }

 private:
  Point draw(Engine& engine) const override {
    const double n = kTurn * std::sqrt(uniform(engine));
    const double u = uniform(engine), v = uniform(engine);
    const double sign = uniform_index(engine, 2) == 0 ? 1 : -1;
    const double dx = normal(engine), dy = normal(engine);
    return sign * (arm(n) + kBox * Point(u, v)) + kNoise * Point(dx, dy);
  }

  // p(x) = sum over signs of the integral of g(+-x1 - c1(n)) g(+-x2 - c2(n)) n / kTurn^2 dn, with g the
  // density of the sum of both noises. A bound on each term (the normal density at the nearest point of the box)
  // saves the error functions of the nodes that cannot matter.
  double log_density_at(const Point& x) const override {
    const Index n = x_.size();
    Eigen::ArrayXd dx(2 * n), dy(2 * n), bound(2 * n);
    dx << x(0) - x_, -x(0) - x_;
    dy << x(1) - y_, -x(1) - y_;
    const auto outside = [](const Eigen::ArrayXd& d) { return ((d - kBox / 2).abs() - kBox / 2).max(0.0); };
    bound << log_weight_, log_weight_;
    bound -= (outside(dx).square() + outside(dy).square()) * (0.5 / (kNoise * kNoise));
    const auto term = [&](Index i) { return log_weight_(i % n) + log_box_normal(dx(i)) + log_box_normal(dy(i)); };

    Index best = 0;
    bound.maxCoeff(&best);
    const double least = term(best) + 2 * std::log(kBox) - kNegligible;  // g <= bound / kBox
    std::vector<double> terms;
    for (Index i = 0; i < 2 * n; ++i)
      if (bound(i) >= least) terms.push_back(term(i));
    return log_sum_exp(Eigen::Map<Eigen::ArrayXd>(terms.data(), static_cast<Index>(terms.size())));
  }

  Eigen::ArrayXd x_, y_, log_weight_;  // the quadrature's nodes on the positive arm
};

}  // namespace

std::unique_ptr<Toy> make_2spirals() { return std::make_unique<SpiralsToy>(); }

}  // namespace pathline

// swissroll, moons: a point at a uniform parameter of one of several curves, plus isotropic normal noise.
#include <cmath>
#include <numbers>
#include <vector>

#include "core/log_sum_exp.hpp"
#include "data/quadrature.hpp"
#include "data/toys.hpp"

namespace pathline {
namespace {

using Curve = Eigen::Vector2d (*)(double t);

struct CurveLaw {
  std::vector<Curve> curves;  // each with the same probability
  double begin, end;          // t ~ U(begin, end)
  double sigma;
  int panels;
};

// A panel is at most twice the noise long where the curve is fastest, and 16 nodes resolve exp(-s^2/2) over
// 8 standard deviations to 1e-12; the end panels are graded for the tails.
constexpr int kOrder = 16, kHalvings = 10;

class CurveToy final : public Toy {
 public:
  CurveToy(About about, CurveLaw law) : Toy(std::move(about)), law_(std::move(law)) {
    const Quadrature rule = graded_panels(law_.begin, law_.end, law_.panels, kOrder, kHalvings);
    const Index n = rule.nodes.size(), branches = static_cast<Index>(law_.curves.size());
    x_.resize(n * branches), y_.resize(n * branches), log_weight_.resize(n * branches);
    for (Index b = 0; b < branches; ++b) {
      for (Index i = 0; i < n; ++i) {
        const Point c = law_.curves[b](rule.nodes(i));
        x_(b * n + i) = c(0), y_(b * n + i) = c(1);
      }
      log_weight_.segment(b * n, n) = (rule.weights / ((law_.end - law_.begin) * static_cast<double>(branches))).log();
    }
  }

 private:
  Point draw(Engine& engine) const override {
    const Index branch = uniform_index(engine, static_cast<Index>(law_.curves.size()));
    const double t = uniform(engine, law_.begin, law_.end);
    const double dx = normal(engine), dy = normal(engine);
    return law_.curves[branch](t) + law_.sigma * Point(dx, dy);
  }

  // p(x) = mean over curves of the integral of N(x; c(t), s^2 I) dt / (end - begin).
  double log_density_at(const Point& x) const override {
    const double variance = law_.sigma * law_.sigma;
    const Eigen::ArrayXd terms = log_weight_ - ((x_ - x(0)).square() + (y_ - x(1)).square()) * (0.5 / variance);
    return log_sum_exp(terms) - std::log(2 * std::numbers::pi * variance);
  }

  CurveLaw law_;
  Eigen::ArrayXd x_, y_, log_weight_;  // the quadrature's nodes on the curves
};

}  // namespace

std::unique_ptr<Toy> make_swissroll() {
  constexpr double pi = std::numbers::pi;
  return std::make_unique<CurveToy>(
      CurveToy({.name = "swissroll",
                .description = "(t cos t, t sin t) with t ~ U(1.5 pi, 4.5 pi), plus N(0, 1); all / 5",
                .entropy = 2.66964617},
               {.curves = {[](double t) { return Eigen::Vector2d(t * std::cos(t) / 5, t * std::sin(t) / 5); }},
                .begin = 1.5 * pi,
                .end = 4.5 * pi,
                .sigma = 0.2,
                .panels = 64}));
}

std::unique_ptr<Toy> make_moons() {
  return std::make_unique<CurveToy>(CurveToy(
      {.name = "moons",
       .description =
           "(cos t, sin t) or (1 - cos t, 0.5 - sin t) with t ~ U(0, pi), plus N(0, 0.1^2); all x 2, + (-1, -0.2)",
       .entropy = 2.39387920},
      {.curves = {[](double t) { return Eigen::Vector2d(2 * std::cos(t) - 1, 2 * std::sin(t) - 0.2); },
                  [](double t) { return Eigen::Vector2d(1 - 2 * std::cos(t), 0.8 - 2 * std::sin(t)); }},
       .begin = 0,
       .end = std::numbers::pi,
       .sigma = 0.2,
       .panels = 32}));
}

}  // namespace pathline

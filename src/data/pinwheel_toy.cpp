// pinwheel: five blades, each a normal distribution of (a, b) that is rotated by an angle which grows with a.
#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "core/log_sum_exp.hpp"
#include "data/quadrature.hpp"
#include "data/toys.hpp"

namespace pathline {
namespace {

using std::numbers::pi;
constexpr double kBlade = 2 * pi / 5;
constexpr double kRadialSigma = 0.3, kTangentialSigma = 0.1, kRate = 0.25, kScale = 2;

// Beyond this radius of (a, b) (|x| = 16, log p < -270) a blade winds more than a hundred times within its own
// width: the density there is given as its mean over the angle.
constexpr double kWound = 8;

// |det| is capped from below: on a fold of the blade (log p about -17 and less) the density is infinite.
constexpr double kLeastDeterminant = 1e-8;

// Log-density of (a, b) at the point with polar coordinates r, psi. r cos(psi) - 1 without cancellation.
double log_blade(double r, double psi) {
  const double s = std::sin(psi / 2), da = (r - 1 - 2 * r * s * s) / kRadialSigma;
  const double b = r * std::sin(psi) / kTangentialSigma;
  return -0.5 * (da * da + b * b) - std::log(2 * pi * kRadialSigma * kTangentialSigma);
}

// The root of a monotone f in [low, high]: Newton's steps, bisection where they leave the bracket.
// f returns {value, derivative}.
template <class F> double root(F f, double low, double high) {
  const bool rising = f(high).first > f(low).first;
  double t = (low + high) / 2;
  for (int i = 0; i < 100 && high - low > 1e-15; ++i) {
    const auto [value, slope] = f(t);
    ((value > 0) == rising ? high : low) = t;
    const double next = t - value / slope;
    if (std::abs(next - t) <= 1e-15) return std::clamp(next, low, high);
    t = next > low && next < high ? next : (low + high) / 2;
  }
  return t;
}

// A point at radius r and angle phi comes from every psi with H(psi) = phi + 2 pi m / 5 for an integer m, where
// (r, psi) are the polar coordinates of (a, b) and H(psi) = psi - 0.25 exp(r cos psi): the turn keeps r.
// H' = 1 + 0.25 exp(a) b is the determinant of the map (a, b) -> x / 2.
struct Winding {
  double r;
  double angle(double psi) const { return psi - kRate * std::exp(r * std::cos(psi)); }
  double determinant(double psi) const { return 1 + kRate * r * std::sin(psi) * std::exp(r * std::cos(psi)); }
  double curvature(double psi) const {
    const double c = std::cos(psi), s = std::sin(psi);
    return kRate * r * std::exp(r * c) * (c - r * s * s);
  }
};

class PinwheelToy final : public Toy {
 public:
  PinwheelToy()
      : Toy({.name = "pinwheel",
             .description = "(a, b), a ~ N(1, 0.3^2), b ~ N(0, 0.1^2), turned clockwise by 2 pi k / 5 + 0.25 exp(a), "
                            "k in {0, ..., 4}; all x 2",
             .entropy = 2.31778803}) {}

 private:
  Point draw(Engine& engine) const override {
    const double blade = kBlade * static_cast<double>(uniform_index(engine, 5));
    const double a = 1 + kRadialSigma * normal(engine), b = kTangentialSigma * normal(engine);
    const double angle = blade + kRate * std::exp(a), c = std::cos(angle), s = std::sin(angle);
    return kScale * Point(a * c + b * s, b * c - a * s);  // the row (a, b) times [[c, -s], [s, c]]
  }

  double log_density_at(const Point& x) const override {
    const double r = x.stableNorm() / kScale;
    return (r > kWound ? log_mean_over_angle(r) : log_sum_over_blades(r, std::atan2(x(1), x(0)))) -
           std::log(kScale * kScale);
  }

  // (1/5) sum of N(a) N(b) / |H'| over the roots. H falls between at most two folds and rises elsewhere; on
  // each of these pieces there is one root for every m whose right-hand side lies between the ends' values.
  static double log_sum_over_blades(double r, double phi) {
    const Winding h{r};
    std::vector<double> terms;
    const auto add_piece = [&](double begin, double end) {
      const auto [low, high] = std::minmax({h.angle(begin), h.angle(end)});
      const double first = std::ceil((low - phi) / kBlade), last = std::ceil((high - phi) / kBlade);
      for (double m = first; m < last; ++m) {
        const double target = phi + m * kBlade;
        const double psi = root([&](double t) { return std::pair(h.angle(t) - target, h.determinant(t)); }, begin, end);
        const double determinant = std::max(std::abs(h.determinant(psi)), kLeastDeterminant);
        terms.push_back(log_blade(r, psi) - std::log(determinant));
      }
    };
    // H' is least where cos(psi) = r sin^2(psi), psi < 0.
    const double bottom = -std::acos(2 * r / (1 + std::sqrt(1 + 4 * r * r)));
    if (h.determinant(bottom) >= 0) {
      add_piece(-pi, pi);
    } else {
      const auto slope = [&](double t) { return std::pair(h.determinant(t), h.curvature(t)); };
      const double fold = root(slope, -pi, bottom), unfold = root(slope, bottom, 0);
      add_piece(fold, unfold);
      add_piece(unfold, fold + 2 * pi);
    }
    return log_sum_exp(Eigen::Map<Eigen::ArrayXd>(terms.data(), static_cast<Index>(terms.size()))) - std::log(5);
  }

  // (1 / 2 pi) integral of the density of (a, b) over the circle of radius r: a normal shape about psi = 0 with
  // a standard deviation of about 0.106 / r; 1.2 / r is 11 of them.
  static double log_mean_over_angle(double r) {
    static const Quadrature rule = graded_panels(0, 1.2, 4, 16, 0);
    Eigen::ArrayXd terms(rule.nodes.size());
    for (Index i = 0; i < terms.size(); ++i)
      terms(i) = log_blade(r, rule.nodes(i) / r) + std::log(2 * rule.weights(i) / r);
    return log_sum_exp(terms) - std::log(2 * pi);
  }
};

}  // namespace

std::unique_ptr<Toy> make_pinwheel() { return std::make_unique<PinwheelToy>(); }

}  // namespace pathline

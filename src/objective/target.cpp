#include "pathline/objective/target.hpp"

#include <cmath>
#include <numbers>

#include "core/named_value.hpp"
#include "core/log_sum_exp.hpp"

namespace pathline {
namespace {

constexpr double kLogTwoPi = 1.8378770664093454836;

enum class Law { funnel, banana, ring, double_well };

// Makes a target from a function that gives its value and slope at one point.
template <class Point> Target pointwise(Point at, std::optional<double> log_z) {
  Target t;
  t.dim = 2;
  t.log_z = log_z;
  t.log_density = [at](ConstMatrixRef<double> x, Matrix<double>* gradient) {
    RowVector<double> out(x.cols());
    if (gradient) gradient->resize(2, x.cols());
    for (Index b = 0; b < x.cols(); ++b) {
      double slope[2];
      out[b] = at(x(0, b), x(1, b), slope);
      if (gradient) gradient->col(b) << slope[0], slope[1];
    }
    return out;
  };
  return t;
}

Target funnel() {
  const auto at = [](double v, double x, double* slope) {
    const double square = x * x * std::exp(-v);
    slope[0] = -v / 9 - 0.5 + 0.5 * square, slope[1] = -x * std::exp(-v);
    return -v * v / 18 - 0.5 * v - 0.5 * square;
  };
  return pointwise(at, kLogTwoPi + std::log(3.0));
}

Target banana() {
  const auto at = [](double x, double y, double* slope) {
    const double off = y - x * x / 4 + 1;
    slope[0] = -x / 4 + 2 * off * x, slope[1] = -4 * off;
    return -x * x / 8 - 2 * off * off;
  };
  return pointwise(at, kLogTwoPi);  // the product of the scales 2 and 1/2 is 1
}

Target ring() {
  constexpr int kModes = 8;
  constexpr double kScale = 0.5 / 1.414, kRadius = 4 / 1.414;
  const auto at = [](double x, double y, double* slope) {
    Eigen::Array<double, kModes, 1> exponent, dx, dy;
    for (int k = 0; k < kModes; ++k) {
      const double angle = 2 * std::numbers::pi * k / kModes;
      dx[k] = kRadius * std::cos(angle) - x, dy[k] = kRadius * std::sin(angle) - y;
    }
    exponent = -0.5 * (dx.square() + dy.square()) / (kScale * kScale);
    const double log_sum = log_sum_exp(exponent);
    const Eigen::Array<double, kModes, 1> weight = (exponent - log_sum).exp() / (kScale * kScale);
    slope[0] = (weight * dx).sum(), slope[1] = (weight * dy).sum();
    return log_sum;
  };
  return pointwise(at, kLogTwoPi + std::log(kModes * kScale * kScale));
}

Target double_well() {
  const auto energy = [](double x) { return x * x * x * x / 4 - 3 * x * x + x / 4; };
  // The trapezoidal rule is exact to rounding, because the integrand is e^-832 at the ends |x| = 8.
  constexpr int kCells = 4096;
  double sum = 0;
  for (int i = 0; i < kCells; ++i) sum += std::exp(-energy(-8 + 16.0 * i / kCells)) * 16 / kCells;
  const auto at = [energy](double x, double y, double* slope) {
    slope[0] = -(x * x * x - 6 * x + 0.25), slope[1] = -y;
    return -energy(x) - 0.5 * y * y;
  };
  return pointwise(at, std::log(sum) + 0.5 * kLogTwoPi);
}

}  // namespace

const std::vector<std::string>& target_names() {
  static const std::vector<std::string> names = {"funnel", "banana", "ring", "double_well"};
  return names;
}

Target find_target(const std::string& name) {
  switch (parse_named<Law>("target", name, target_names())) {
    case Law::funnel: return funnel();
    case Law::banana: return banana();
    case Law::ring: return ring();
    case Law::double_well: break;
  }
  return double_well();
}

}  // namespace pathline

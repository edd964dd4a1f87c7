// 8gaussians: eight equal normal distributions on a circle. The density is the finite sum.
#include <cmath>
#include <numbers>

#include "core/log_sum_exp.hpp"
#include "data/toys.hpp"

namespace pathline {
namespace {

constexpr int kCount = 8;
constexpr double kRadius = 4 / 1.414, kWidth = 0.5 / 1.414;  // 1.414 is FFJORD's, not sqrt(2)

class GaussiansToy final : public Toy {
 public:
  GaussiansToy()
      : Toy({.name = "8gaussians",
             .description = "one of 8 centres at radius 4 (angles k pi/4), plus N(0, 0.5^2); all / 1.414",
             .entropy = 2.83188041}) {
    for (int k = 0; k < kCount; ++k) {
      const double angle = k * std::numbers::pi / 4;
      centres_.col(k) << kRadius * std::cos(angle), kRadius * std::sin(angle);
    }
  }

 private:
  Point draw(Engine& engine) const override {
    const Index k = uniform_index(engine, kCount);
    const double dx = normal(engine), dy = normal(engine);
    return centres_.col(k) + kWidth * Point(dx, dy);
  }

  double log_density_at(const Point& x) const override {
    const Eigen::Array<double, 1, kCount> terms =
        (centres_.colwise() - x).colwise().squaredNorm().array() * (-0.5 / (kWidth * kWidth));
    return log_sum_exp(terms) - std::log(kCount * 2 * std::numbers::pi * kWidth * kWidth);
  }

  Eigen::Matrix<double, 2, kCount> centres_;
};

}  // namespace

std::unique_ptr<Toy> make_8gaussians() { return std::make_unique<GaussiansToy>(); }

}  // namespace pathline

#include "pathline/objective/target.hpp"

#include <cmath>

#include <gmock/gmock.h>

#include "message.hpp"

namespace pathline {
namespace {

TEST(Target, GradientsAgreeWithDifferences) {
  Matrix<double> x(2, 5);
  x << 0.3, -1.2, 2.5, -2.7, 0.01, 0.4, 1.7, -2.2, 0.3, -0.02;
  for (const auto& name : target_names()) {
    const auto target = find_target(name);
    EXPECT_EQ(target.dim, 2);
    Matrix<double> gradient;
    target.log_density(x, &gradient);
    for (Index i = 0; i < 2; ++i) {
      const double h = 1e-5;
      Matrix<double> up = x, down = x;
      up.row(i).array() += h, down.row(i).array() -= h;
      const RowVector<double> difference =
          (target.log_density(up, nullptr) - target.log_density(down, nullptr)) / (2 * h);
      // Third derivatives up to 1e3 (the ring between its modes), times h^2 / 6.
      EXPECT_LT((difference - gradient.row(i)).cwiseAbs().maxCoeff(), 1e-6) << name;
    }
  }
}

// By the midpoint rule; the funnel's x2 in units of its own scale.
TEST(Target, TheConstantIsTheIntegral) {
  for (const auto& name : target_names()) {
    const auto target = find_target(name);
    const Index n = 1200;
    const double low = -30, h = 60.0 / n;
    Matrix<double> line(2, n);
    double sum = 0;
    for (Index i = 0; i < n; ++i) {
      const double v = low + (static_cast<double>(i) + 0.5) * h, unit = name == "funnel" ? std::exp(v / 2) : 1;
      for (Index j = 0; j < n; ++j) line.col(j) << v, unit * (low + (static_cast<double>(j) + 0.5) * h);
      sum += target.log_density(line, nullptr).array().exp().sum() * h * h * unit;
    }
    EXPECT_NEAR(std::log(sum), *target.log_z, 1e-6) << name;
  }
}

TEST(Target, AnUnknownNameIsToldTheKnownOnes) {
  EXPECT_THAT(message([] { find_target("donut"); }), testing::HasSubstr("must be one of funnel, banana"));
}

}  // namespace
}  // namespace pathline

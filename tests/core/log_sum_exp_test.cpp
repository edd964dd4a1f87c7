#include "core/log_sum_exp.hpp"

#include <gtest/gtest.h>

namespace pathline {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Eigen's maximum may pass over a NaN, and a sum that is infinite would then hide it.
TEST(LogSumExp, ANanAnywhereMakesItNan) {
  for (const double other : {-kInfinity, -1.0, kInfinity})
    for (Eigen::Index at = 0; at < 9; ++at) {
      Eigen::ArrayXd terms = Eigen::ArrayXd::Constant(9, other);
      terms[at] = std::nan("");
      EXPECT_TRUE(std::isnan(log_sum_exp(terms))) << other << " " << at;
    }
}

TEST(LogSumExp, NeitherUnderflowsNorMakesANan) {
  EXPECT_EQ(log_sum_exp(Eigen::ArrayXd(0)), -kInfinity);
  EXPECT_EQ(log_sum_exp(Eigen::Array2d(-kInfinity, -kInfinity)), -kInfinity);
  EXPECT_EQ(log_sum_exp(Eigen::Array2d(-kInfinity, -2000)), -2000);
  EXPECT_DOUBLE_EQ(log_sum_exp(Eigen::Array2d(-2000, -2000)), -2000 + std::log(2));
}

}  // namespace
}  // namespace pathline

#include "pathline/optim/clip.hpp"

#include <cmath>
#include <limits>

#include <gmock/gmock.h>

#include "pathline/core/error.hpp"

namespace pathline {
namespace {

TEST(Clip, LongGradientKeepsItsDirection) {
  Vector<double> g = Eigen::Vector2d(3, -4);
  EXPECT_EQ(clip_norm(g, 1), 5);
  EXPECT_LT((g - Eigen::Vector2d(0.6, -0.8)).norm(), 1e-15);
}

TEST(Clip, ShortGradientAndNoLimitChangeNothing) {
  Vector<double> g = Eigen::Vector2d(3, -4);
  EXPECT_EQ(clip_norm(g, 5), 5);
  EXPECT_EQ(clip_norm(g, 0), 5);
  EXPECT_EQ(g, Eigen::Vector2d(3, -4));
  Vector<double> zero = Vector<double>::Zero(2);
  EXPECT_EQ(clip_norm(zero, 1), 0);
  EXPECT_EQ(zero, Eigen::Vector2d(0, 0));
}

TEST(Clip, NormThatIsNotFiniteIsReportedAndNotScaledIntoNaN) {
  const double infinity = std::numeric_limits<double>::infinity();
  Vector<double> g = Eigen::Vector2d(3, infinity);
  EXPECT_EQ(clip_norm(g, 1), infinity);
  EXPECT_EQ(g, Eigen::Vector2d(3, infinity));
  g(1) = std::nan("");
  EXPECT_TRUE(std::isnan(clip_norm(g, 1)));
  EXPECT_EQ(g(0), 3);
}

TEST(Clip, SquareThatOverflowsIsNotAnInfiniteGradient) {
  Vector<double> g = Eigen::Vector2d(3e200, 4e200);
  EXPECT_NEAR(clip_norm(g, 1) / 5e200, 1, 1e-15);
  EXPECT_LT((g - Eigen::Vector2d(0.6, 0.8)).norm(), 1e-15);
}

TEST(Clip, LimitThatIsNotAPositiveNumberIsAnError) {
  Vector<double> g = Vector<double>::Ones(2);
  EXPECT_THROW(clip_norm(g, -1), InputError);
  EXPECT_THROW(clip_norm(g, std::nan("")), InputError);
}

}  // namespace
}  // namespace pathline

#include "pathline/core/random.hpp"

#include <cmath>

#include <gtest/gtest.h>

namespace pathline {
namespace {

TEST(Random, StreamIsAFunctionOfItsKeysAlone) {
  Engine a = make_stream(1, "batch", 2, 3), b = make_stream(1, "batch", 2, 3);
  EXPECT_EQ(a(), b());
  EXPECT_NE(make_stream(1, "batch", 2, 3)(), make_stream(2, "batch", 2, 3)());
  EXPECT_NE(make_stream(1, "batch", 2, 3)(), make_stream(1, "probes", 2, 3)());
  EXPECT_NE(make_stream(1, "batch", 2, 3)(), make_stream(1, "batch", 3, 2)());
  EXPECT_NE(make_stream(1ull << 32, "batch")(), make_stream(1, "batch")());
}

TEST(Random, NormalHasItsFirstFourMoments) {
  constexpr Index n = 200000;
  Matrix<double> x(1, n);
  Engine engine = make_stream(7, "test");
  fill_normal<double>(engine, x);
  const double m2 = x.array().square().mean();
  EXPECT_NEAR(x.mean(), 0, 5 / std::sqrt(double(n)));                       // 5 standard errors
  EXPECT_NEAR(m2, 1, 5 * std::sqrt(2.0 / n));
  EXPECT_NEAR(x.array().pow(4).mean(), 3, 5 * std::sqrt(96.0 / n));         // var(x^4) = 105 - 9
}

TEST(Random, FloatAndDoubleModelsSeeTheSameNumbers) {
  Matrix<double> x(3, 5);
  Matrix<float> y(3, 5);
  Engine a = make_stream(7, "test"), b = make_stream(7, "test");
  fill_normal<double>(a, x);
  fill_normal<float>(b, y);
  EXPECT_EQ(x.cast<float>(), y);
}

}  // namespace
}  // namespace pathline

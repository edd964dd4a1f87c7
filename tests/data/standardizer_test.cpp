#include "pathline/data/standardizer.hpp"

#include <cmath>
#include <limits>

#include <gmock/gmock.h>

#include "message.hpp"
#include "pathline/core/error.hpp"

namespace pathline {
namespace {

using testing::HasSubstr;

TEST(Standardizer, MeanAndScaleOfEachColumn) {
  Matrix<double> x(2, 4);
  x << 1, 1, 3, 3, -10, 10, -10, 10;
  const Standardizer s = fit_standardizer(x);
  EXPECT_EQ(s.mean, Eigen::Vector2d(2, 0));
  EXPECT_EQ(s.scale, Eigen::Vector2d(1, 10));
}

TEST(Standardizer, LargeOffsetDoesNotCancelTheScale) {
  Matrix<double> x(1, 2);
  x << 1e9 - 1, 1e9 + 1;  // mean(x^2) - mean^2 would be off by 128
  EXPECT_EQ(fit_standardizer(x).scale(0), 1);
}

TEST(Standardizer, ConstantColumnIsNamed) {
  Matrix<double> x = Matrix<double>::Random(3, 5);
  x.row(2).setConstant(0.1);  // its mean is not exactly 0.1
  EXPECT_THAT(message([&] { fit_standardizer(x); }), HasSubstr("column 3 is constant"));
  Matrix<double> two = x;
  two.row(0).setConstant(1e-20);  // was said to be 0.000000
  EXPECT_THAT(message([&] { fit_standardizer(two); }),
              HasSubstr("column 1 is constant (1e-20), column 3 is constant (0.1): a constant column"));
  EXPECT_THAT(message([&] { fit_standardizer(x, {"a", "b", "mass"}); }), HasSubstr("column 3 (\"mass\") is constant"));
}

TEST(Standardizer, NaNAndASingleRowFail) {
  Matrix<double> x = Matrix<double>::Random(2, 5);
  x(1, 3) = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(message([&] { fit_standardizer(x); }), HasSubstr("column 2"));
  EXPECT_THAT(message([&] { fit_standardizer(x.leftCols(1)); }), HasSubstr("rows = 1: must be >= 2"));
}

// A pixel that is 0 in every picture, to which noise is added later.
TEST(Standardizer, AConstantColumnThatIsAllowedHasScaleOne) {
  Matrix<double> x(2, 3);
  x << 1, 2, 3, 7, 7, 7;
  const Standardizer s = fit_standardizer(x, {}, ConstantColumns::allow);
  EXPECT_EQ(s.mean(1), 7);
  EXPECT_EQ(s.scale(1), 1);
  x(1, 2) = std::nan("");
  EXPECT_THROW(fit_standardizer(x, {}, ConstantColumns::allow), InputError);
  x.row(1).setConstant(std::nan(""));
  EXPECT_THROW(fit_standardizer(x, {}, ConstantColumns::allow), InputError);
}

}  // namespace
}  // namespace pathline

#include "data/quadric_finding.hpp"

#include <cmath>

#include <gmock/gmock.h>

#include "pathline/core/random.hpp"

namespace pathline {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// The four columns of a particle of one mass, and of one without: a mixture was fitted without a word.
TEST(QuadricFinding, ColumnsThatObeyAnEquationOfSecondDegreeAreNamed) {
  Engine engine = make_stream(4, "test.quadric");
  Matrix<double> x(5, 1500);
  fill_normal<double>(engine, x);
  const std::vector<std::string> names{"z", "E", "px", "py", "pz"};
  const std::vector<bool> all(5, true);
  RowVector<double> noise(x.cols());
  fill_normal<double>(engine, noise);
  EXPECT_EQ(quadric_finding(x, names, all), "");
  for (const double mass : {91.2, 0.0005}) {
    x.bottomRows(3) *= 20;
    x.row(1) = (x.bottomRows(3).colwise().squaredNorm().array() + mass * mass).sqrt();
    EXPECT_THAT(quadric_finding(x, names, all),
                AllOf(HasSubstr("the columns E, px, py, pz nearly obey an equation of second"),
                      HasSubstr("leave one of the columns out")))
        << mass;
    EXPECT_THAT(quadric_finding(x, names, {true, true, false, false, false}), HasSubstr("E, px, py, pz"));
    EXPECT_EQ(quadric_finding(x, names, {true, false, false, false, false}), "");
    Matrix<double> measured = x;
    measured.row(1).array() *= 1 + 1e-3 * noise.array();  // with a resolution of 0.1 %
    EXPECT_EQ(quadric_finding(measured, names, all), "");
    measured = (1e4 * x).array().round() / 1e4;  // as it is written with six digits
    EXPECT_NE(quadric_finding(measured, names, all), "");
    x.bottomRows(3) /= 20;
  }
}

// Two clusters, heavy tails, counts and straight functions obey no equation between columns.
TEST(QuadricFinding, WhatHasADensityIsNot) {
  Engine engine = make_stream(6, "test.quadric");
  Matrix<double> x(4, 2000);
  fill_normal<double>(engine, x);
  const auto found = [&] { return quadric_finding(x, {"a", "b", "c", "d"}, {true, true, true, true}); };
  for (Index b = 0; b < x.cols(); ++b)
    for (Index i = 0; i < 2; ++i) x(i, b) = (uniform(engine) < 0.5 ? 0 : 1) + 1e-4 * x(i, b);
  EXPECT_EQ(found(), "");
  x.row(2) = (6 * x.row(2)).array().exp(), x.row(3) = x.row(3).array().pow(-1);
  EXPECT_EQ(found(), "");
  fill_normal<double>(engine, x);
  x.row(1) = x.row(0).array().square() + 0.01 * x.row(1).array(), x.row(2) = 2 * x.row(0) + 1e-3 * x.row(3);
  EXPECT_EQ(found(), "");
  x.row(0) = x.row(0).array().round(), x.row(1).setConstant(3), x.row(3) = x.row(3).array().round();
  EXPECT_EQ(found(), "");
}

}  // namespace
}  // namespace pathline

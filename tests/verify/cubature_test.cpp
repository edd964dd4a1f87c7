#include "verify/cubature.hpp"

#include <cmath>
#include <numbers>

#include <gtest/gtest.h>

#include "pathline/core/random.hpp"

namespace pathline {
namespace {

Box cube(Index d, double low, double high) {
  return {Vector<double>::Constant(d, low), Vector<double>::Constant(d, high)};
}

// Genz and Malik's rule has degree 7, Kronrod's 22.
TEST(Cubature, IsExactForPolynomialsOfItsDegree) {
  for (Index d : {1, 2, 3}) {
    const auto f = [](const Matrix<double>& x) {
      return RowVector<double>(
          (x.array().pow(6).colwise().sum() + x.row(0).array().pow(4) * x.row(x.rows() - 1).array().square()).matrix());
    };
    const auto got = integrate(f, {cube(d, 0, 1)}, {.tolerance = 1e300});
    const double cross = d == 1 ? 1.0 / 7 : 1.0 / 15;
    EXPECT_NEAR(got.value, static_cast<double>(d) / 7 + cross, 1e-13) << d;
  }
}

TEST(Cubature, ConvergesOnANarrowGaussianWithinItsErrorAndItsBudget) {
  for (Index d : {1, 2, 3}) {
    // In three dimensions the first 33 nodes see nothing narrower; check_integral gives cells around draws.
    const double sigma = d == 3 ? 0.2 : 0.05;
    const auto f = [&](const Matrix<double>& x) {
      const auto r = (x.array() - 0.3).square().matrix().colwise().sum().array();
      return RowVector<double>((-r / (2 * sigma * sigma)).exp() /
                               std::pow(sigma * std::sqrt(2 * std::numbers::pi), static_cast<double>(d)));
    };
    const auto got = integrate(f,
                               {
                                   cube(d, -2, 0.5),
                               },
                               {.tolerance = 1e-4, .evaluations = 400000});
    const double inside = std::pow(std::erf(0.2 / sigma / std::numbers::sqrt2) / 2 + 0.5, static_cast<double>(d));
    EXPECT_NEAR(got.value, inside, 1e-4) << d;
    EXPECT_LE(got.error, 1e-4) << d;
    EXPECT_LT(got.evaluations, 400000) << d;
  }
}

TEST(Cubature, GivesUpAtANumberThatIsNotFinite) {
  const auto f = [](const Matrix<double>& x) { return RowVector<double>::Constant(x.cols(), std::nan("")); };
  const auto got = integrate(f, {cube(2, 0, 1)}, {});
  EXPECT_TRUE(std::isnan(got.value));
  EXPECT_EQ(got.evaluations, 17);
}

// models/funnel.h5: the integral was 0.97 +- 0.0008, because its narrow end lay between the nodes.
TEST(Cubature, FindsANarrowRidgeAtTheEdgeOfAWideBox) {
  const auto f = [](const Matrix<double>& x) {  // v ~ N(0, 3^2), y | v ~ N(0, exp(v))
    const auto v = x.row(0).array(), y = x.row(1).array();
    return RowVector<double>((-v.square() / 18 - y.square() * (-v).exp() / 2 - v / 2).exp() /
                             (6 * std::numbers::pi));
  };
  Matrix<double> draws(2, 4000);
  Engine engine = make_stream(1, "cubature_test");
  for (Index b = 0; b < draws.cols(); ++b) {
    draws(0, b) = 3 * normal(engine);
    draws(1, b) = std::exp(draws(0, b) / 2) * normal(engine);
  }
  const Box box{Vector<double>{{-16, -2000}}, Vector<double>{{16, 2000}}};
  const auto got = integrate(f, boxes_of_points(box, draws, 64), {.tolerance = 1e-3, .evaluations = 60000});
  EXPECT_NEAR(got.value, 1, 2e-3);
}

// The draws of a model whose scale is below the spacing of numbers are all alike: there is no box around them.
TEST(Cubature, NoBoxHasNoIntegral) {
  const auto one = [](const Matrix<double>& x) { return RowVector<double>(RowVector<double>::Ones(x.cols())); };
  const auto boxes = boxes_of_points(cube(2, 3, 3), Matrix<double>::Constant(2, 100, 3), 10);
  EXPECT_EQ(boxes.size(), 0u);
  EXPECT_EQ(integrate(one, boxes, {}).value, 0);
}

TEST(Cubature, CutsABoxAtTheMediansOfItsPoints) {
  Matrix<double> points(2, 8);
  points << 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8;
  const auto boxes = boxes_of_points(cube(2, 0, 10), points, 2);
  double volume = 0;
  for (const auto& box : boxes) volume += box.volume();
  EXPECT_GT(boxes.size(), 4u);  // four parts with two points each, cut again around them
  EXPECT_DOUBLE_EQ(volume, 100);
  // Points that are all alike, on an edge of their box, do not cut for ever.
  EXPECT_LE(boxes_of_points(cube(1, 0, 1), Matrix<double>::Constant(1, 100, 0.5), 10).size(), 64u);
}

}  // namespace
}  // namespace pathline

#include "pathline/core/dual.hpp"

#include <functional>
#include <numbers>

#include <gtest/gtest.h>

#include "pathline/core/types.hpp"

namespace pathline {
namespace {

using First = Dual<double, 1>;
using Second = Dual<First, 1>;

// x with unit tangents at both levels: y.value.value, y.value.tangent[0] and y.tangent[0].tangent[0] are f, f' and f''.
Second variable(double x) {
  Second y;
  y.value.value = x;
  y.value.tangent[0] = 1;
  y.tangent[0].value = 1;
  return y;
}

struct Case {
  std::string name;
  std::function<Second(Second)> f;
  std::function<double(double)> plain;
  std::vector<double> at;
};

#define PATHLINE_CASE(expression, ...)                                   \
  {                                                                      \
#expression, [](auto x) { return Second(expression); },                \
   [](double x) -> double { using namespace std; return expression; }, { \
      __VA_ARGS__                                                        \
    }                                                                    \
  }

std::vector<Case> cases() {
  return {PATHLINE_CASE(exp(x), -1, 2),
          PATHLINE_CASE(expm1(x), -1, 1e-9, 2),
          PATHLINE_CASE(log(x), 0.3, 4),
          PATHLINE_CASE(log1p(x), -0.5, 1e-9, 3),
          PATHLINE_CASE(sqrt(x), 0.3, 4),
          PATHLINE_CASE(sin(x), -1, 2),
          PATHLINE_CASE(cos(x), -1, 2),
          PATHLINE_CASE(tan(x), -1, 0.5),
          PATHLINE_CASE(asin(x), -0.5, 0.6),
          PATHLINE_CASE(acos(x), -0.5, 0.6),
          PATHLINE_CASE(atan(x), -2, 0.6),
          PATHLINE_CASE(sinh(x), -2, 0.6),
          PATHLINE_CASE(cosh(x), -2, 0.6),
          PATHLINE_CASE(tanh(x), -2, 0.6),
          PATHLINE_CASE(erf(x), -1, 0.6),
          PATHLINE_CASE(abs(x), -1, 0.6),
          PATHLINE_CASE(pow(x, 3), -1.5, 0, 2),
          PATHLINE_CASE(pow(x, 2), -1.5, 0, 2),
          PATHLINE_CASE(pow(x, 1), -1.5, 0, 2),
          PATHLINE_CASE(pow(x, 0), -1.5, 0, 2),
          PATHLINE_CASE(pow(x, -0.5), 0.7, 2),
          PATHLINE_CASE(pow(x, x), 0.7, 2),
          PATHLINE_CASE(pow(2, x), -1, 2),
          PATHLINE_CASE(atan2(x, 1 + x * x), -1, 2),
          PATHLINE_CASE(atan2(2.0 - x, x), -1, 3),
          PATHLINE_CASE(1 / (1 + exp(-x)), -3, 2),
          PATHLINE_CASE((x - 1) / (x * x + 2.5) / 3 - x * 2 + 4, -3, 2),
          PATHLINE_CASE(x > 0.5 ? x * x : -x, -3, 2),
          PATHLINE_CASE(max(x * x, 1 - x) + min(x, 2 * x), -3, 2)};
}

TEST(Dual, EveryFunctionHasTheValueAndTheTwoDerivativesOfTheDoubles) {
  for (const auto& c : cases())
    for (const double x : c.at) {
      const auto y = c.f(variable(x));
      // Central differences of fourth order with h = 1e-3: truncation h^4 f^(5) / 30, below 1e-11 here; rounding
      // 1e-16 / h^2 = 1e-10 in the second.
      const double h = 1e-3;
      const auto f = c.plain;
      EXPECT_DOUBLE_EQ(y.value.value, f(x)) << c.name << " at " << x;
      EXPECT_NEAR(y.value.tangent[0], (8 * (f(x + h) - f(x - h)) - (f(x + 2 * h) - f(x - 2 * h))) / (12 * h), 1e-9)
          << c.name << " at " << x;
      EXPECT_DOUBLE_EQ(y.value.tangent[0], y.tangent[0].value) << c.name << " at " << x;
      EXPECT_NEAR(y.tangent[0].tangent[0],
                  (16 * (f(x + h) + f(x - h)) - (f(x + 2 * h) + f(x - 2 * h)) - 30 * f(x)) / (12 * h * h), 2e-7)
          << c.name << " at " << x;
    }
}

// Eigen's AutoDiffScalar gives NaN here: 1 / cosh^2 overflows in its second derivative.
TEST(Dual, ASaturatedTanhHasFiniteDerivativesInFloat) {
  Dual<Dual<float, 2>, 1> x(60);
  x.value.tangent[0] = x.tangent[0].value = 1;
  const auto y = tanh(x);
  EXPECT_EQ(y.value.value, 1);
  EXPECT_EQ(y.value.tangent[0], 0);
  EXPECT_EQ(y.tangent[0].tangent[0], 0);
}

TEST(Dual, VectorsAndMatricesMixWithPlainNumbers) {
  using T = Dual<Dual<float, 4>, 1>;
  Vector<T> z(2);
  z << T(3), T(4);
  z[0].value.tangent[1] = z[0].tangent[0].value = 1;
  const Vector<T> doubled = 2.0 * z / 4;
  EXPECT_EQ(doubled[0].value.tangent[1], 0.5f);
  EXPECT_EQ(z.norm().value.value, 5);
  EXPECT_FLOAT_EQ(z.norm().value.tangent[1], 0.6f);                 // x / r
  EXPECT_FLOAT_EQ(z.norm().tangent[0].tangent[1], 16.0f / 125.0f);  // y^2 / r^3
  const Matrix<T> a = Matrix<float>::Identity(2, 2).cast<T>();
  EXPECT_EQ((a * z)[1].value.value, 4);
  const Vector<T> curved = z.array().sin() + (0.5 * z.array()).tanh().square() - z.array().exp().log();
  EXPECT_FLOAT_EQ(curved[1].value.value, std::sin(4.0f) + std::tanh(2.0f) * std::tanh(2.0f) - 4);
}

}  // namespace
}  // namespace pathline

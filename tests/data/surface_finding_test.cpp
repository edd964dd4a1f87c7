#include "data/surface_finding.hpp"

#include <cmath>

#include <gmock/gmock.h>

#include "pathline/core/random.hpp"

namespace pathline {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// The findings of n rows of three columns, of which `fill` makes the third, and the others from normal numbers a, b, c.
std::vector<std::string> found(Index n, const std::function<Vector<double>(double, double, double)>& fill) {
  Engine engine = make_stream(3, "test.surface");
  Matrix<double> z(3, n), x(3, n);
  fill_normal<double>(engine, z);
  for (Index b = 0; b < n; ++b) x.col(b) = fill(z(0, b), z(1, b), z(2, b));
  return surface_findings(x, {"px", "py", "pt"}, {true, true, true});
}

// Tables with an exact curved relation were trained without a word, and the NLL had no bound.
TEST(SurfaceFinding, AColumnThatIsAFunctionOfOthersIsNamed) {
  using V = Vector<double>;
  const auto thin = [](double width) {
    return [width](double a, double b, double c) { return V{{a, b, std::sin(2 * a) + width * c}}; };
  };
  for (const double width : {0.0, 1e-6, 1e-4, 0.01})
    EXPECT_THAT(found(4000, thin(width)), ElementsAre(HasSubstr("column pt is nearly a curved function of px, ")))
        << width;
  EXPECT_THAT(found(500, thin(1e-4)), testing::SizeIs(1));
  EXPECT_THAT(found(4000, thin(0.2)), IsEmpty());
  const auto product = found(4000, [](double a, double b, double) { return V{{a, b, a * b}}; });
  EXPECT_THAT(product, ElementsAre(HasSubstr("is nearly a curved function of ")));
  const auto modulus = found(4000, [](double a, double b, double) {
    return V{{1e9 * a, 1e9 * b, 1e9 * std::hypot(a, b)}};
  });
  EXPECT_THAT(modulus, ElementsAre(AllOf(HasSubstr("column pt is nearly a curved function of px and py"),
                                         HasSubstr("leave the column out"))));
}

// Straight functions, and curved ones of one column that only rise, are followed by covariances and marginal maps.
TEST(SurfaceFinding, WhatCovariancesAndMapsFollowIsNot) {
  using V = Vector<double>;
  EXPECT_THAT(found(4000, [](double a, double b, double c) { return V{{a, b, c}}; }), IsEmpty());
  EXPECT_THAT(found(4000, [](double a, double b, double c) { return V{{a, b, a + 2 * b + 1e-3 * c}}; }), IsEmpty());
  EXPECT_THAT(found(4000,
                    [](double a, double b, double c) {
                      return V{{a, b, std::exp(3 * a + 1e-3 * c)}};
                    }),
              IsEmpty());
  EXPECT_THAT(found(4000, [](double a, double b, double c) { return V{{a, std::exp(b), a * c}}; }), IsEmpty());
  EXPECT_THAT(found(100, [](double a, double b, double) { return V{{a, b, a * a}}; }), IsEmpty());  // too few rows
  EXPECT_THAT(found(4000, [](double a, double b, double) { return V{{a, b, 7}}; }), IsEmpty());
}

TEST(SurfaceFinding, AConditionIsNoTarget) {
  Engine engine = make_stream(5, "test.surface");
  Matrix<double> x(2, 1000);
  fill_normal<double>(engine, x);
  x.row(1) = x.row(0).array().square();
  EXPECT_THAT(surface_findings(x, {"a", "b"}, {true, true}), ElementsAre(HasSubstr("column b is nearly")));
  EXPECT_THAT(surface_findings(x, {"a", "b"}, {true, false}), IsEmpty());
}

}  // namespace
}  // namespace pathline

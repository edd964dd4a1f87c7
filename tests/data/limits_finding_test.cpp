#include "data/limits_finding.hpp"

#include <cmath>

#include <gmock/gmock.h>

#include "pathline/core/random.hpp"

namespace pathline {
namespace {

using testing::HasSubstr;

// 2,000 values of a function of a uniform and a normal number.
template <class F> RowVector<double> column(F f) {
  Engine engine = make_stream(1, "limits_finding_test");
  RowVector<double> x(2000);
  for (double& v : x) {
    const double u = uniform(engine);
    v = f(u, normal(engine));
  }
  return x;
}

std::string found(const RowVector<double>& x, const std::string& name = "a") { return limits_finding(x, name); }

TEST(LimitsFinding, AColumnThatFillsATurnIsPerhapsAnAngle) {
  EXPECT_THAT(found(column([](double u, double) { return 2 * M_PI * u; })), HasSubstr("period = 'a=0:2pi'"));
  EXPECT_THAT(found(column([](double u, double) { return M_PI * (2 * u - 1); })), HasSubstr("period = 'a=-pi:pi'"));
  EXPECT_THAT(found(column([](double, double z) { return std::fmod(60 * z + 3600, 360.0); })),
              HasSubstr("period = 'a=0:360'"));  // a peak at the seam
  EXPECT_THAT(found(column([](double u, double) { return 24 * u; }), "Hour"), HasSubstr("period = 'Hour=0:24'"));
  EXPECT_THAT(found(column([](double u, double) { return 24 * u; })), HasSubstr("bounds = 'a=0:24'"));
}

// It drew a bounds note with -3.1430000000000002.
TEST(LimitsFinding, ARoundedAngleWithItsPeakBesideTheSeamIsAnAngle) {
  for (const double peak : {0.0, 0.1, -0.2}) {
    const auto angle = [&](double, double z) {
      const double phi = M_PI + peak + 0.5 * z;
      return std::round(1000 * std::remainder(phi, 2 * M_PI)) / 1000;
    };
    EXPECT_THAT(found(column(angle), "phi"), HasSubstr("period = 'phi=-pi:pi'")) << peak;
  }
}

TEST(LimitsFinding, ABoundIsADecimalNumber) {
  EXPECT_THAT(found(column([](double u, double) { return -3.143 - 0.2 * std::log(u); })), HasSubstr("'a=-3.143:'"));
  EXPECT_THAT(found(column([](double u, double) { return 0.3 + 0.2 * std::sqrt(u); })), HasSubstr(":0.5'"));
}

TEST(LimitsFinding, AColumnThatEndsAbruptlyHasPerhapsABound) {
  EXPECT_THAT(found(column([](double u, double) { return 60 - 20 * std::log(u); })),
              HasSubstr("ends abruptly at 60: if there can be no value beyond, pass TableOptions.bounds = 'a=60:';"));
  EXPECT_THAT(found(column([](double u, double) { return -std::pow(u, 0.2); })), HasSubstr("bounds = 'a=-1:'"));
  EXPECT_THAT(found(column([](double u, double) { return std::pow(u, 0.2); })), HasSubstr("bounds = 'a=:1'"));
  EXPECT_THAT(
      found(column([](double u, double) { return std::sin(M_PI * (u - 0.5)); })),
      HasSubstr("ends abruptly at -1 and 1: if there can be no value beyond, pass TableOptions.bounds = 'a=-1:1'"));
}

TEST(LimitsFinding, AColumnThatThinsOutHasNone) {
  // Two clusters a million apart: each is as wide as a pixel of the whole range.
  EXPECT_EQ(found(column([](double u, double z) { return z + (u < 0.5 ? 0.0 : 1e6); })), "");
  EXPECT_THAT(found(column([](double u, double z) { return u < 0.5 ? 2 * u : 1e6 + z; })), HasSubstr("bounds = 'a=0:'"));
  EXPECT_EQ(found(column([](double, double z) { return z; })), "");
  EXPECT_EQ(found(column([](double, double z) { return 1e6 + z; })), "");
  EXPECT_EQ(found(column([](double u, double z) { return u < 0.5 ? z : 8 + z; })), "");
  EXPECT_EQ(found(column([](double u, double) { return std::tan(M_PI * (u - 0.5)); })), "");  // Cauchy
  EXPECT_EQ(found(column([](double, double z) { return z / 6 * M_PI; })), "");
  EXPECT_EQ(found(RowVector<double>::Constant(2000, 3.0)), "");
  EXPECT_EQ(found(RowVector<double>::LinSpaced(50, 0, 1)), "");  // too few
}

// A Poisson distribution of mean 3 lost 0.4 % of its mass to negative numbers, without a word.
TEST(CountFinding, AFrequentLowestIntegerIsPerhapsABound) {
  const auto counts = column([](double u, double) { return std::floor(-3 * std::log(u)); });
  EXPECT_THAT(count_finding(counts, "n"), HasSubstr("bounds = 'n=0:'"));
  EXPECT_THAT(count_finding(counts.array() + 4, "n"), HasSubstr("bounds = 'n=4:'"));
  EXPECT_THAT(count_finding(-counts.array(), "n"), HasSubstr("bounds = 'n=:0'"));
  EXPECT_THAT(count_finding(column([](double u, double) { return std::floor(6 * u); }), "n"), HasSubstr("'n=0:5'"));
  EXPECT_EQ(count_finding(column([](double, double z) { return std::round(20 * z); }), "n"), "");
  EXPECT_EQ(count_finding(counts.head(50), "n"), "");
}

}  // namespace
}  // namespace pathline

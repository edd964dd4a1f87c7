#include "verify/two_sample.hpp"

#include <gtest/gtest.h>

namespace pathline {
namespace {

// Smirnov's table: the 5 % and 1 % points of the limiting distribution are 1.3581 and 1.6276.
TEST(KolmogorovTail, HasTheTabledPoints) {
  EXPECT_NEAR(kolmogorov_tail(1.3581), 0.05, 1e-5);
  EXPECT_NEAR(kolmogorov_tail(1.6276), 0.01, 1e-5);
  EXPECT_EQ(kolmogorov_tail(0), 1);
  EXPECT_TRUE(std::isnan(kolmogorov_tail(std::nan(""))));
}

TEST(KolmogorovSmirnov, TakesTiesTogether) {
  const auto test = kolmogorov_smirnov(RowVector<double>{{1, 1, 2, 2}}, RowVector<double>{{1, 2, 2, 3}});
  EXPECT_DOUBLE_EQ(test.distance, 0.25);
}

RowVector<double> normals(std::uint64_t seed, Index n, double scale = 1) {
  Matrix<double> x(1, n);
  Engine engine = make_stream(seed, "two_sample_test");
  fill_normal<double>(engine, x);
  return scale * x;
}

// Under the null hypothesis p is uniform: of 400 values, those below 0.1 are 40 +- 6; 5 standard deviations.
TEST(KolmogorovSmirnov, GivesUniformValuesForOneDistribution) {
  int small = 0;
  for (std::uint64_t k = 0; k < 400; ++k)
    small += kolmogorov_smirnov(normals(2 * k, 200), normals(2 * k + 1, 300)).p < 0.1;
  EXPECT_NEAR(small, 40, 30);
  EXPECT_LT(kolmogorov_smirnov(normals(1, 1000), normals(2, 1000, 1.5)).p, 1e-5);
  EXPECT_TRUE(std::isnan(kolmogorov_smirnov(normals(1, 9), RowVector<double>::Constant(9, std::nan(""))).p));
}

TEST(EnergyTest, GivesUniformValuesForOneDistribution) {
  Engine engine = make_stream(4, "two_sample_test");
  int small = 0;
  for (std::uint64_t k = 0; k < 200; ++k)
    small += energy_test(normals(2 * k, 60), normals(2 * k + 1, 60), engine, 500).p < 0.1;
  EXPECT_NEAR(small, 20, 21);  // 5 standard deviations
}

TEST(EnergyTest, SeesAnotherCorrelationAndCountsItsExchangesSlow) {
  Matrix<double> a(2, 300), b(2, 300);
  a << normals(1, 300), normals(2, 300);
  b << normals(3, 300), normals(4, 300);
  b.row(1) = 0.8 * b.row(0) + 0.6 * b.row(1);
  Engine engine = make_stream(5, "two_sample_test");
  const auto test = energy_test(a, b, engine, 20000);
  EXPECT_EQ(test.exchanges, 20000);
  EXPECT_LT(test.p, 2e-3);
  a(0, 0) = std::nan("");
  EXPECT_TRUE(std::isnan(energy_test(a, b, engine, 500).p));
}

// 2 E|A - B| - E|A - A'| - E|B - B'|, summed by hand.
TEST(EnergyTest, IsTheEnergyDistanceOfItsSamples) {
  Engine engine = make_stream(6, "two_sample_test");
  const auto test = energy_test(RowVector<double>{{0, 1}}, RowVector<double>{{2, 5}}, engine, 500);
  EXPECT_NEAR(test.statistic, 2 * (2 + 5 + 1 + 4) / 4.0 - 2 * 1 / 4.0 - 2 * 3 / 4.0, 1e-5);  // float distances
}

}  // namespace
}  // namespace pathline

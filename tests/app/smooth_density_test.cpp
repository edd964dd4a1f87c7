#include "app/smooth_density.hpp"

#include <cmath>
#include <numbers>

#include <gmock/gmock.h>

#include "app/contour.hpp"
#include "pathline/core/random.hpp"

namespace pathline::plot {
namespace {

RowVector<double> normal_values(Index n, std::uint64_t seed) {
  Engine engine = make_stream(seed, "test");
  Matrix<double> out(1, n);
  fill_normal<double>(engine, out);
  return out;
}

double normal(double x, double mean, double sigma) {
  return std::exp(-0.5 * std::pow((x - mean) / sigma, 2)) / (sigma * std::sqrt(2 * std::numbers::pi));
}

TEST(SmoothDensity, IsThatOfTheNormalDistribution) {
  const SampleColumn column{normal_values(20000, 1), {-5, 5}};
  const auto density = smooth_density(column, {}, 200);
  EXPECT_NEAR(density.sum() * 0.05, 1, 1e-9);
  // The standard error at the mode is about sqrt(p / (2 sqrt(pi) n h)) = 0.006 for h = 0.1; five of them.
  for (Index i = 0; i < 200; ++i)
    EXPECT_NEAR(density(i), normal(-5 + 0.05 * (static_cast<double>(i) + 0.5), 0, 1), 0.03) << i;
}

// The rule of thumb would see modes 10 apart as one that is 5 wide.
TEST(SmoothDensity, ModesThatAreFarApartStayNarrow) {
  RowVector<double> values = 0.1 * normal_values(5000, 2);
  values.head(2500).array() += 10;
  const SampleColumn column{values, {-2, 12}};
  EXPECT_LT(bandwidth(column, {}), 0.06);
  EXPECT_GT(smooth_density(column, {}, 280).maxCoeff(), 0.75 * normal(0, 0, 0.1) / 2);
}

// Beside a sharp peak, the curve of a column once showed the noise of the samples: its ups and downs summed to 49.
TEST(SmoothDensity, TheFlatPartBesideASharpPeakIsSmoothAndThePeakIsHigh) {
  RowVector<double> values = 0.02 * normal_values(10000, 8);
  Engine engine = make_stream(9, "test");
  for (Index i = 0; i < 6000; ++i) values(i) = uniform(engine, -4, 4);
  const auto density = smooth_density({values, {-5, 5}}, {}, 1000);
  double wiggles = 0;  // the total variation over the flat part on the left, in units of its density
  for (Index i = 151; i < 450; ++i) wiggles += std::abs(density(i) - density(i - 1)) / (0.6 / 8);
  EXPECT_LT(wiggles, 2);
  EXPECT_GT(density.maxCoeff(), 0.75 * 0.4 * normal(0, 0, 0.02));
}

// Rounding to 0.2 once made a comb of the density.
TEST(SmoothDensity, RoundedValuesAreSmoothedAsThoseBeforeTheRounding) {
  const RowVector<double> values = normal_values(2000, 6);
  const RowVector<double> rounded = (values / 0.2).array().round() * 0.2;
  const double exact = bandwidth({values, {-5, 5}}, {});
  EXPECT_NEAR(bandwidth({rounded, {-5, 5}}, {}), exact, 0.3 * exact);
}

TEST(SmoothDensity, WeightsCountAsRowsDo) {
  SampleColumn weighted{RowVector<double>(2), {0, 1}}, repeated{RowVector<double>(4), {0, 1}};
  weighted.values << 0.25, 0.75, repeated.values << 0.25, 0.75, 0.75, 0.75;
  RowVector<double> weights(2);
  weights << 1, 3;
  const auto low = [](const Vector<double>& density) { return density.head(50).sum() / density.sum(); };
  EXPECT_NEAR(low(smooth_density(weighted, weights, 100)), 0.25, 0.05);
  EXPECT_NEAR(low(smooth_density(repeated, {}, 100)), 0.25, 0.05);
  EXPECT_GT(low(smooth_density(weighted, {}, 100)), 0.4);
}

TEST(SmoothDensity, ABoundIsNoSlopeAndAPeriodGoesRound) {
  Engine engine = make_stream(3, "test");
  RowVector<double> values(40000);
  for (Index i = 0; i < values.size(); ++i) values(i) = uniform(engine, 0, 1);
  for (const auto ends : {Ends::bounded, Ends::periodic}) {
    const auto density = smooth_density({values, {0, 1}, ends}, {}, 100);
    EXPECT_NEAR(density(0), 1, 0.1);
    EXPECT_NEAR(density(99), 1, 0.1);
  }
  EXPECT_LT(smooth_density({values, {0, 1}, Ends::open}, {}, 100)(0), 0.85);
}

TEST(SmoothDensity, ANarrowRidgeStaysNarrow) {
  const RowVector<double> x = normal_values(20000, 4), e = normal_values(20000, 5);
  const RowVector<double> y = 0.995 * x + 0.1 * e;
  const auto density = smooth_density({x, {-4, 4}}, {y, {-4, 4}}, {}, 96);
  EXPECT_NEAR(density.sum(), 1, 1e-9);
  double across = 0;  // the mean square of y - x, of which 0.01 is the data's own
  for (Index i = 0; i < 96; ++i)
    for (Index j = 0; j < 96; ++j) across += density(i, j) * std::pow(8. / 96 * static_cast<double>(j - i), 2);
  EXPECT_LT(across, 0.04);
}

// How often the curves around the region of highest density with this mass turn round: once for a convex one, more for
// bulges, and much more where they are ragged. Every second point, because the grid itself gives each some angle.
double turns(const Matrix<double>& density, double mass) {
  double sum = 0;
  for (const auto& loop : contour(density, highest_density_level(density, mass))) {
    std::vector<Point> p;
    for (std::size_t k = 0; k < loop.size(); k += 2) p.push_back(loop[k]);
    for (std::size_t k = 0, n = p.size(); k < n; ++k) {
      const Point &a = p[k], &b = p[(k + 1) % n], &c = p[(k + 2) % n];
      const double ux = b.x - a.x, uy = b.y - a.y, vx = c.x - b.x, vy = c.y - b.y;
      sum += std::abs(std::atan2(ux * vy - uy * vx, ux * vx + uy * vy));
    }
  }
  return sum / (2 * std::numbers::pi);
}

// A column with sharp peaks, as a price with round numbers, has a small width of its own: the curve around 95 % once
// showed the single samples between and beside the peaks. It turned 6.1 to 7.2 times, and with the bulges at five peaks
// alone it does 4.5 to 4.9 times.
TEST(SmoothDensity, TheRegionBesideSharpPeaksHasASmoothEdge) {
  for (const Index n : {3000, 10000})
    for (const std::uint64_t seed : {7, 17}) {
      RowVector<double> x = normal_values(n, seed), y = normal_values(n, seed + 1);
      Engine engine = make_stream(seed, "peaks");
      for (Index i = 0; i < n; ++i)
        x(i) = uniform(engine, 0, 1) < 0.3 ? std::round(-2 + 4 * std::pow(uniform(engine, 0, 1), 2)) * 0.75 +
                                                 0.01 * uniform(engine, -1, 1)
                                           : -1.8 + 1.5 * std::abs(x(i));
      const auto density = smooth_density({x, {-3, 5}}, {y, {-4, 4}}, {}, 96);
      EXPECT_LT(turns(density, 0.95), 5.5) << n << " " << seed;
    }
}

TEST(SmoothDensity, StrangeSamplesGiveANumberEverywhere) {
  for (const RowVector<double>& values :
       {RowVector<double>(RowVector<double>::Constant(5, 0.5)),
        RowVector<double>(RowVector<double>::Constant(3, std::nan(""))), RowVector<double>(0),
        RowVector<double>(RowVector<double>::Constant(4, 7.0))}) {
    EXPECT_TRUE(smooth_density({values, {0, 1}}, {}, 50).allFinite());
    EXPECT_TRUE(smooth_density({values, {0, 1}}, {values, {0, 1}, Ends::bounded}, {}, 20).allFinite());
  }
}

}  // namespace
}  // namespace pathline::plot

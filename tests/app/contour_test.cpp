#include "app/contour.hpp"

#include <cmath>

#include <gmock/gmock.h>

namespace pathline::plot {
namespace {

// exp(-r^2 / 2) around the middle of n x n cells of width h.
Matrix<double> gaussian(Index n, double h) {
  Matrix<double> out(n, n);
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < n; ++j) {
      const double x = h * (static_cast<double>(i) + 0.5 - static_cast<double>(n) / 2);
      const double y = h * (static_cast<double>(j) + 0.5 - static_cast<double>(n) / 2);
      out(i, j) = std::exp(-0.5 * (x * x + y * y));
    }
  return out;
}

// The mass of a normal distribution outside of the radius r is exp(-r^2 / 2), which is also the density there.
TEST(Contour, LevelsOfHighestDensityAreThoseOfTheNormalDistribution) {
  const auto density = gaussian(200, 0.06);
  // Cells of width 0.06 at a radius of about 2: the level is known to 0.06 * 2 of itself, of which half is seen.
  EXPECT_NEAR(highest_density_level(density, 0.68), 0.32, 0.02);
  EXPECT_NEAR(highest_density_level(density, 0.95), 0.05, 0.005);
  EXPECT_EQ(highest_density_level(Matrix<double>::Zero(3, 3), 0.68), 0);
}

TEST(Contour, IsACircleAroundANormalDistribution) {
  const auto loops = contour(gaussian(200, 0.06), 0.32);
  ASSERT_EQ(loops.size(), 1u);
  const double radius = std::sqrt(-2 * std::log(0.32)) / 0.06;
  for (const Point& p : loops[0]) EXPECT_NEAR(std::hypot(p.x - 100, p.y - 100), radius, 0.05);  // curvature of a cell
}

TEST(Contour, ClosesAtTheEdgeAndGoesAroundAHole) {
  Matrix<double> ring = Matrix<double>::Ones(5, 5);
  ring(2, 2) = 0;
  const auto loops = contour(ring, 0.5);
  ASSERT_EQ(loops.size(), 2u);
  double smallest = 1e9, largest = -1e9;
  for (const auto& loop : loops)
    for (const Point& p : loop) smallest = std::min(smallest, p.x), largest = std::max(largest, p.x);
  EXPECT_NEAR(smallest, 0, 1e-12);  // half-way between the centre of the first cell and the zeros outside
  EXPECT_NEAR(largest, 5, 1e-12);
}

TEST(Contour, ASaddleHasTwoCurvesAndEveryCurveIsClosed) {
  Matrix<double> saddle(2, 2);
  saddle << 1, 0, 0, 1;
  EXPECT_EQ(contour(saddle, 0.6).size(), 2u);  // the middle, 0.5, is below
  EXPECT_EQ(contour(saddle, 0.4).size(), 1u);
  EXPECT_TRUE(contour(saddle, 2).empty());
  EXPECT_TRUE(contour(Matrix<double>(0, 0), 0.5).empty());
}

}  // namespace
}  // namespace pathline::plot

#include "app/cell_means.hpp"

#include <cmath>
#include <numbers>

#include <gtest/gtest.h>

namespace pathline {
namespace {

constexpr Index kCells = 60;

// The log-density of x, and of y beside the line y = 0.4 x with this standard deviation.
LogDensityOf ridge(double sigma) {
  return [sigma](const Matrix<double>& at) {
    const auto x = at.row(0).array(), y = at.row(1).array();
    return RowVector<double>(-0.5 * x.square() - 0.5 * ((y - 0.4 * x) / sigma).square() -
                             std::log(2 * std::numbers::pi * sigma));
  };
}

RowVector<double> at_centres(const Grid& grid, const LogDensityOf& of) { return of(grid.points(0, grid.size())); }

// The mass in the columns of cells, over that of the normal distribution of x at their centres: 1 but for the width of
// the cells, which changes it by step^2 / 24 = 0.0007 at most.
std::pair<double, double> mass_over_true(const Grid& grid, const RowVector<double>& log_density) {
  const auto& x = grid.axes()[0];
  double low = 1e9, high = 0;
  for (Index i = 10; i < kCells - 10; ++i) {
    double mass = 0;
    for (Index j = 0; j < kCells; ++j) mass += std::exp(log_density(j * kCells + i)) * grid.axes()[1].step();
    const double ratio = mass * std::sqrt(2 * std::numbers::pi) * std::exp(0.5 * std::pow(x.centre(i), 2));
    low = std::min(low, ratio), high = std::max(high, ratio);
  }
  return {low, high};
}

// A ridge narrower than a cell was a row of dots: bright where it met the centre of a cell, dark between two.
TEST(CellMeans, ARidgeNarrowerThanACellHasItsMassEverywhere) {
  const Grid grid({{-4, 4, kCells}, {-4, 4, kCells}});  // cells of 0.13
  const auto of = ridge(0.02);
  auto log_density = at_centres(grid, of);
  EXPECT_LT(mass_over_true(grid, log_density).first, 0.3);
  average_steep_cells(grid, log_density, of);
  const auto [low, high] = mass_over_true(grid, log_density);
  EXPECT_GT(low, 0.97);  // eight points across a cell are 0.017 apart, less than the ridge's standard deviation
  EXPECT_LT(high, 1.03);
}

TEST(CellMeans, ASmoothDensityIsLeftAsItIs) {
  const Grid grid({{-4, 4, kCells}, {-4, 4, kCells}});
  auto log_density = at_centres(grid, ridge(1));
  const auto before = log_density;
  average_steep_cells(grid, log_density, [](const Matrix<double>& at) {
    ADD_FAILURE() << at.cols();
    return RowVector<double>(RowVector<double>::Zero(at.cols()));
  });
  EXPECT_EQ(log_density, before);
}

TEST(CellMeans, ASpikeInOneColumnHasItsMass) {
  const Grid grid({{-1, 1, 100}});
  const LogDensityOf spike = [](const Matrix<double>& at) {
    return RowVector<double>(-0.5 * (at.row(0).array() / 0.002).square() -
                             std::log(0.002 * std::sqrt(2 * std::numbers::pi)));
  };
  auto log_density = at_centres(grid, spike);  // which are at +-0.01, five standard deviations from the spike
  average_steep_cells(grid, log_density, spike);
  EXPECT_NEAR(0.02 * log_density.array().exp().sum(), 1, 0.01);
}

// Where a density ends, its logarithm is minus infinity, and nothing is to be averaged.
TEST(CellMeans, TheEndOfADensityIsNoSteepCell) {
  const Grid grid({{-1, 1, 20}});
  const LogDensityOf step = [](const Matrix<double>& at) {
    return RowVector<double>(at.row(0).unaryExpr([](double x) { return x < 0 ? -INFINITY : 0.0; }));
  };
  auto log_density = at_centres(grid, step);
  const auto before = log_density;
  average_steep_cells(grid, log_density, step);
  EXPECT_EQ(log_density, before);
}

}  // namespace
}  // namespace pathline

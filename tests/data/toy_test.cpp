#include "pathline/data/toy.hpp"

#include <cmath>
#include <functional>
#include <limits>
#include <numbers>

#include <gmock/gmock.h>

#include "data/quadrature.hpp"
#include "pathline/core/error.hpp"

namespace pathline {
namespace {

constexpr double kPi = std::numbers::pi;

double log_density(const Toy& toy, double x, double y) {
  const Matrix<double> point = Eigen::Vector2d(x, y);
  return toy.log_density(point)(0);
}

// m x m midpoints of [-half, half]^2, as 2 x m^2.
Matrix<double> midpoint_grid(double half, Index m) {
  Matrix<double> x(2, m * m);
  const double h = 2 * half / static_cast<double>(m);
  for (Index j = 0; j < m; ++j)
    for (Index i = 0; i < m; ++i) x.col(j * m + i) << -half + (i + 0.5) * h, -half + (j + 0.5) * h;
  return x;
}

class EveryToy : public testing::TestWithParam<std::string> {
 protected:
  const Toy& toy = find_toy(GetParam());
};

INSTANTIATE_TEST_SUITE_P(Toys, EveryToy, testing::ValuesIn(toy_names()), [](const auto& law) { return law.param; });

// Midpoint rule on [-6, 6]^2, h = 0.04 = half the smallest noise: on a smooth density its aliasing error is
// exp(-2 pi^2 (0.08 / h)^2) < 1e-34, beyond the square lies less than exp(-100) of all but pinwheel, and the
// squares of checkerboard are whole cells. Pinwheel's blades end at |x| = 6 with 1e-11 of the mass and have
// folds, with 1e-7 of it, where the density is an inverse square root.
TEST_P(EveryToy, DensityIntegratesToOneAndGivesTheEntropySlow) {
  constexpr Index m = 300;
  const double area = std::pow(12.0 / m, 2);
  const RowVector<double> l = toy.log_density(midpoint_grid(6, m));
  double mass = 0, entropy = 0;
  for (const double log_p : l) {
    ASSERT_FALSE(std::isnan(log_p));
    if (std::isinf(log_p)) continue;
    mass += std::exp(log_p) * area;
    entropy -= log_p * std::exp(log_p) * area;
  }
  const double tolerance = toy.name() == "pinwheel" ? 1e-6 : 1e-11;
  EXPECT_NEAR(mass, 1, tolerance);
  EXPECT_NEAR(entropy, toy.entropy(), std::max(tolerance * 10, 1e-8));  // constants have eight decimals
}

TEST_P(EveryToy, MeanOfDrawsIsTheEntropySlow) {
  constexpr Index n = 200000;
  Matrix<double> x(2, n);
  Engine engine = make_stream(11, "test");
  toy.sample(engine, x);
  const RowVector<double> l = toy.log_density(x);
  ASSERT_TRUE(l.allFinite());
  const double variance = (l.array() - l.mean()).square().mean();
  EXPECT_NEAR(-l.mean(), toy.entropy(), 4 * std::sqrt(variance / n) + 1e-8);  // 4 standard errors
}

// Pearson's statistic over 32 x 32 cells of [-4, 4]^2; cells with fewer than 10 expected draws and all outside
// are one cell. A cell's probability by 6 x 6 Gauss-Legendre nodes: it is 3 of the smallest noise wide.
TEST_P(EveryToy, DrawsFollowTheDensity) {
  constexpr Index cells = 32, n = 200000;
  constexpr int order = 6;
  const double width = 8.0 / cells;
  const Quadrature rule = gauss_legendre(order);
  Matrix<double> nodes(2, cells * cells * order * order);
  Index column = 0;
  for (Index c = 0; c < cells * cells; ++c)
    for (int j = 0; j < order; ++j)
      for (int i = 0; i < order; ++i)
        nodes.col(column++) << -4 + width * (c % cells + 0.5 + 0.5 * rule.nodes(i)),
            -4 + width * (c / cells + 0.5 + 0.5 * rule.nodes(j));
  const RowVector<double> density = toy.log_density(nodes).array().exp();

  Eigen::ArrayXd expected = Eigen::ArrayXd::Zero(cells * cells), drawn = expected;
  column = 0;
  for (Index c = 0; c < cells * cells; ++c)
    for (int j = 0; j < order; ++j)
      for (int i = 0; i < order; ++i)
        expected(c) += n * density(column++) * rule.weights(i) * rule.weights(j) * width * width / 4;

  Matrix<double> x(2, n);
  Engine engine = make_stream(12, "test");
  toy.sample(engine, x);
  double outside = 0;
  for (Index s = 0; s < n; ++s) {
    const double u = std::floor((x(0, s) + 4) / width), v = std::floor((x(1, s) + 4) / width);
    if (u < 0 || u >= cells || v < 0 || v >= cells)
      ++outside;
    else
      ++drawn(static_cast<Index>(v) * cells + static_cast<Index>(u));
  }

  double statistic = 0, rest_expected = n - expected.sum(), rest_drawn = outside;
  Index freedom = 0;
  for (Index c = 0; c < cells * cells; ++c) {
    if (expected(c) < 10) {
      rest_expected += expected(c), rest_drawn += drawn(c);
    } else {
      statistic += std::pow(drawn(c) - expected(c), 2) / expected(c);
      ++freedom;
    }
  }
  EXPECT_LT(statistic, freedom + 4 * std::sqrt(2.0 * freedom));  // chi-square: mean k, variance 2 k
  EXPECT_NEAR(rest_drawn, rest_expected, 4 * std::sqrt(std::max(rest_expected, 0.0)) + 1);  // Poisson
}

TEST_P(EveryToy, DrawsDoNotDependOnHowManyAreDrawnAtOnce) {
  Matrix<double> all(2, 7), parts(2, 7);
  Engine a = make_stream(5, "test"), b = make_stream(5, "test");
  toy.sample(a, all);
  toy.sample(b, parts.leftCols(3));
  toy.sample(b, parts.rightCols(4));
  EXPECT_EQ(all, parts);
}

TEST_P(EveryToy, DensityDoesNotDependOnTheOtherPoints) {
  Matrix<double> x(2, 300);
  Engine engine = make_stream(6, "test");
  toy.sample(engine, x);
  const RowVector<double> l = toy.log_density(x);
  for (Index i : {0, 127, 128, 299}) EXPECT_EQ(l(i), log_density(toy, x(0, i), x(1, i)));
}

TEST_P(EveryToy, TailsAreFiniteAndFall) {
  for (int k = 0; k < 16; ++k) {
    const double c = std::cos(k * kPi / 8 + 0.1), s = std::sin(k * kPi / 8 + 0.1);
    const double at50 = log_density(toy, 50 * c, 50 * s), at60 = log_density(toy, 60 * c, 60 * s);
    if (toy.name() == "checkerboard") {
      EXPECT_EQ(at50, -std::numeric_limits<double>::infinity());
    } else {
      EXPECT_TRUE(std::isfinite(at50));
      EXPECT_LT(at60, at50);
    }
  }
}

TEST_P(EveryToy, NaNIsNotHiddenAndInfinityIsOutside) {
  const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  EXPECT_TRUE(std::isnan(log_density(toy, nan, 0)));
  EXPECT_TRUE(std::isnan(log_density(toy, inf, nan)));
  EXPECT_EQ(log_density(toy, 0, -inf), -inf);
  EXPECT_FALSE(std::isnan(log_density(toy, 1e200, -1e200)));
  EXPECT_FALSE(std::isnan(log_density(toy, 0, 0)));
}

// The same laws by brute force: the formula of the law written out, 4000 panels of 8 nodes.
double by_quadrature(double begin, double end, const std::function<double(double)>& f) {
  const Quadrature rule = graded_panels(begin, end, 4000, 8, 0);
  double sum = 0;
  for (Index i = 0; i < rule.nodes.size(); ++i) sum += rule.weights(i) * f(rule.nodes(i));
  return sum;
}

double gauss(double d, double sigma) { return std::exp(-0.5 * d * d / (sigma * sigma)) / (sigma * std::sqrt(2 * kPi)); }

const Eigen::Vector2d kPoints[] = {{0, 0}, {1.3, -0.4}, {-2.2, 2.5}, {0.1, 3.3}, {3.8, -3.1}, {-1, -0.2}};
constexpr double kRounding = 1e-11;  // of log p: relative error of p; 32,000 terms of relative error 1e-16 each

TEST(ToyDensity, SwissrollIsItsIntegralAlongTheCurve) {
  for (const auto& x : kPoints) {
    const double p = by_quadrature(1.5 * kPi, 4.5 * kPi, [&](double t) {
      return gauss(x(0) - t * std::cos(t) / 5, 0.2) * gauss(x(1) - t * std::sin(t) / 5, 0.2) / (3 * kPi);
    });
    EXPECT_NEAR(log_density(find_toy("swissroll"), x(0), x(1)), std::log(p), kRounding);
  }
}

TEST(ToyDensity, MoonsIsItsIntegralAlongTheCurves) {
  for (const auto& x : kPoints) {
    const double u = (x(0) + 1) / 2, v = (x(1) + 0.2) / 2;  // undo "x 2, + (-1, -0.2)": a factor 1 / 4
    const double p = by_quadrature(0, kPi, [&](double t) {
      return (gauss(u - std::cos(t), 0.1) * gauss(v - std::sin(t), 0.1) +
              gauss(u - 1 + std::cos(t), 0.1) * gauss(v - 0.5 + std::sin(t), 0.1)) /
             (8 * kPi);
    });
    EXPECT_NEAR(log_density(find_toy("moons"), x(0), x(1)), std::log(p), kRounding);
  }
}

TEST(ToyDensity, CirclesIsItsIntegralOverTheAngle) {
  for (const auto& x : kPoints) {
    const double p = by_quadrature(0, 2 * kPi, [&](double t) {
      double sum = 0;
      for (const double r : {1.0, 0.5})
        sum += gauss(x(0) / 3 - r * std::cos(t), 0.08) * gauss(x(1) / 3 - r * std::sin(t), 0.08);
      return sum / (2 * 9 * 2 * kPi);
    });
    EXPECT_NEAR(log_density(find_toy("circles"), x(0), x(1)), std::log(p), kRounding);
  }
}

// The box integrated numerically too, and not through the error function.
TEST(ToyDensity, SpiralsIsItsIntegralOverArmAndBox) {
  const Quadrature box = graded_panels(0, 0.5, 1, 24, 0);
  const auto smeared = [&](double d) {  // density at d of (U(0, 0.5)) / 3 + N(0, 0.1)
    double sum = 0;
    for (Index i = 0; i < box.nodes.size(); ++i) sum += box.weights(i) / 0.5 * gauss(d - box.nodes(i) / 3, 0.1);
    return sum;
  };
  for (const auto& x : kPoints) {
    const double p = by_quadrature(0, 3 * kPi, [&](double n) {
      const double c = -n * std::cos(n) / 3, s = n * std::sin(n) / 3;
      return (smeared(x(0) - c) * smeared(x(1) - s) + smeared(-x(0) - c) * smeared(-x(1) - s)) * n / (9 * kPi * kPi);
    });
    const double tolerance = p > 1e-30 ? kRounding : 1e-9;  // the nodes are set for p > 1e-30
    EXPECT_NEAR(log_density(find_toy("2spirals"), x(0), x(1)), std::log(p), tolerance);
  }
}

// Where scaled_erfc changes its series the log-density is smooth: its second difference is that of a parabola.
TEST(ToyDensity, SpiralsTailHasNoSeam) {
  const Toy& toy = find_toy("2spirals");
  for (double x = 3.2; x < 12; x += 0.01) {
    const double h = 0.005;
    const double second =
        (log_density(toy, x - h, 0) - 2 * log_density(toy, x, 0) + log_density(toy, x + h, 0)) / (h * h);
    EXPECT_GT(second, -101);  // -1 / sigma^2 at most
    EXPECT_LT(second, 101);
  }
}

// A turn keeps the radius, so the mean over a circle is that of the unturned law of (a, b). Below r = 2 the mean
// over n equal angles is the trapezoidal rule of a smooth periodic function; above it the folds' inverse square
// roots leave an error of about 6 / sqrt(n).
TEST(ToyDensity, PinwheelMeanOverACircleIsThatOfTheUnturnedLawSlow) {
  const Toy& toy = find_toy("pinwheel");
  for (const double r : {0.3, 1.0, 1.9, 3.5}) {
    const Index n = r < 2 ? 2000 : 320000;
    Matrix<double> x(2, n);
    for (Index i = 0; i < n; ++i)
      x.col(i) << 2 * r * std::cos((i + 0.5) * 2 * kPi / n), 2 * r * std::sin((i + 0.5) * 2 * kPi / n);
    const double mean = toy.log_density(x).array().exp().mean();
    const double unturned = by_quadrature(-kPi, kPi, [&](double t) {
      return gauss(r * std::cos(t) - 1, 0.3) * gauss(r * std::sin(t), 0.1) / (2 * kPi) / 4;
    });
    EXPECT_NEAR(mean / unturned, 1, r < 2 ? 1e-8 : 2e-2);
  }
}

TEST(ToyDensity, PinwheelIsContinuousInTheMeanWhereItIsAveraged) {
  const Toy& toy = find_toy("pinwheel");
  constexpr Index n = 300;
  Matrix<double> x(2, n);
  for (Index i = 0; i < n; ++i) x.col(i) << 15.9999 * std::cos(i + 0.3), 15.9999 * std::sin(i + 0.3);
  const RowVector<double> inside = toy.log_density(x);
  const double log_mean = std::log((inside.array() - inside.maxCoeff()).exp().mean()) + inside.maxCoeff();
  const double outside = log_density(toy, 16.0001, 0);  // the slope there is -39 nats a unit: 0.008
  EXPECT_NEAR(log_mean, outside, 0.1);                  // 300 angles of a density with folds
}

TEST(ToyRegistry, HasTheEightOfFfjord) {
  EXPECT_THAT(toy_names(), testing::UnorderedElementsAre("swissroll", "circles", "rings", "moons", "8gaussians",
                                                         "pinwheel", "2spirals", "checkerboard"));
  EXPECT_TRUE(is_toy("moons"));
  EXPECT_FALSE(is_toy("moons.csv"));
}

TEST(ToyRegistry, UnknownNameSuggestsTheNearest) {
  try {
    find_toy("8gausians");
    FAIL();
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("\"8gausians\": unknown toy; did you mean \"8gaussians\"?"));
    EXPECT_THAT(error.what(), testing::HasSubstr("checkerboard"));
  }
}

}  // namespace
}  // namespace pathline

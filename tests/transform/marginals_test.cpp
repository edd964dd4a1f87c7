#include "pathline/transform/marginals.hpp"

#include <cmath>
#include <numbers>

#include <gtest/gtest.h>

#include "pathline/core/error.hpp"
#include "pathline/core/random.hpp"
#include "transform/normal_tail.hpp"

namespace pathline {
namespace {

// n draws of each column: inverse(u) of uniform u.
template <class F> Matrix<double> draws(Index n, F inverse, std::uint64_t seed = 1) {
  Engine engine = make_stream(seed, "test.marginals");
  Matrix<double> x(1, n);
  for (Index b = 0; b < n; ++b) x(0, b) = inverse(uniform(engine));
  return x;
}

struct Mapped {
  Matrix<double> z;
  RowVector<double> log_det;
};
Mapped map(const Marginals& m, const Matrix<double>& x, Direction direction = Direction::data_to_base) {
  TransformScratch<double> scratch;
  const SolveOptions<double> options;
  const Matrix<double> condition;
  Mapped out{x, RowVector<double>::Zero(x.cols())};
  m.apply(direction, out.z, &out.log_det, {scratch, options, condition}, nullptr);
  return out;
}

// The log-density of the model that is one normal distribution in every mapped column.
RowVector<double> log_density(const Marginals& m, const Matrix<double>& x) {
  const auto out = map(m, x);
  return ((-0.5 * (out.z.array().square() + std::log(2 * std::numbers::pi))).colwise().sum() + out.log_det.array())
      .matrix();
}

TEST(NormalTail, QuantileInvertsTheUpperTailWhereItIsTooSmallForADouble) {
  for (const double z : {-3.0, 0.0, 1.0, 3.99, 4.01, 9.0, 40.0, 1e5})
    EXPECT_NEAR(upper_normal_quantile(log_upper_normal(z)), z, 1e-11 * (1 + std::abs(z))) << z;
  EXPECT_NEAR(log_upper_normal(2), std::log(0.5 * std::erfc(2 / std::numbers::sqrt2)), 1e-14);
  EXPECT_NEAR(log_upper_normal(10), std::log(0.5 * std::erfc(10 / std::numbers::sqrt2)), 1e-12);
  EXPECT_NEAR(mills_ratio(4 - 1e-9), mills_ratio(4 + 1e-9), 1e-9);
}

TEST(Marginals, TheDensityIntegratesToOne) {
  const auto x = draws(2000, [](double u) { return u; });
  const auto m = fit_marginals(x);
  // By the trapezoidal rule in v = asinh(x): the tails reach to 1e6.
  const Index n = 400000;
  Matrix<double> at(1, n);
  RowVector<double> weight(n);
  const double low = -14.5, step = 29.0 / static_cast<double>(n);
  for (Index i = 0; i < n; ++i) {
    const double v = low + (static_cast<double>(i) + 0.5) * step;
    at(0, i) = std::sinh(v), weight[i] = step * std::cosh(v);
  }
  EXPECT_NEAR((log_density(m, at).array().exp() * weight.array()).sum(), 1, 1e-4);
}

// KL(data || one normal distribution per mapped column), from fresh draws with their exact density.
template <class F, class G> double divergence(Index n, F inverse, G log_p) {
  const auto m = fit_marginals(draws(n, inverse));
  const auto test = draws(20000, inverse, 2);
  double sum = 0;
  for (const double x : test.row(0)) sum += log_p(x);
  return (sum - log_density(m, test).sum()) / static_cast<double>(test.cols());
}

// About 30 knots are 30 parameters: 30 / (2 n) = 0.004, and as much again for what the knots do not resolve.
constexpr double kKl = 0.015;

TEST(Marginals, HeavyTailsEndHeavy) {
  EXPECT_LT(divergence(
                4000, [](double u) { return std::tan(std::numbers::pi * (u - 0.5)); },
                [](double x) { return -std::log(std::numbers::pi * (1 + x * x)); }),
            kKl);
}

TEST(Marginals, EdgesAndLongTailsAreFitted) {
  EXPECT_LT(divergence(
                4000, [](double u) { return u; }, [](double) { return 0.0; }),
            kKl);
  EXPECT_LT(divergence(
                4000, [](double u) { return -std::log1p(-u); }, [](double x) { return -x; }),
            kKl);
  EXPECT_LT(divergence(
                4000, [](double u) { return std::pow(std::sin(0.5 * std::numbers::pi * u), 2); },
                [](double x) { return -std::log(std::numbers::pi) - 0.5 * std::log(std::max(x * (1 - x), 1e-300)); }),
            2 * kKl);  // the density has no bound at either edge
}

// Three values at 1e6 among 3,000 cost 4.6 nats, and one at 1e30 60.
TEST(Marginals, ValuesFarAwayDoNotRuinTheRest) {
  const auto normal = [](double u) {
    return u < 0.5 ? -upper_normal_quantile(std::log(std::max(u, 1e-300))) : upper_normal_quantile(std::log1p(-u));
  };
  const auto log_p = [](double x) { return -0.5 * (x * x + std::log(2 * std::numbers::pi)); };
  for (const auto& [count, far] : {std::pair{3, 1e6}, std::pair{1, 1e30}}) {
    auto x = draws(3000, normal);
    for (Index b = 0; b < count; ++b) x(0, b) = far;
    const auto m = fit_marginals(x);
    const auto test = draws(20000, normal, 2);
    double truth = 0;
    for (const double value : test.row(0)) truth += log_p(value);
    EXPECT_LT((truth - log_density(m, test).sum()) / 20000, 2 * kKl) << far;
    // The far values themselves are not impossible: the density falls as a power.
    EXPECT_GT(log_density(m, Matrix<double>::Constant(1, 1, far))[0], -500) << far;
  }
}

TEST(Marginals, ARepeatedValueAConstantAndAnInfiniteOneAreNoHarm) {
  auto x = draws(1000, [](double u) { return u < 0.3 ? -999 : u; });
  const auto m = fit_marginals(x);
  EXPECT_TRUE(log_density(m, x).allFinite());
  EXPECT_TRUE(
      log_density(fit_marginals(Matrix<double>::Constant(1, 100, 3)), Matrix<double>::Constant(1, 1, 3)).allFinite());
  EXPECT_THROW(fit_marginals(Matrix<double>::Constant(1, 49, 3)), InputError);
  EXPECT_THROW(fit_marginals(Matrix<double>::Constant(1, 60, std::nan(""))), InputError);
  const MarginalMap flat{Vector<double>{{0, 0}}, Vector<double>{{-1, 1}}, {}, {}};
  EXPECT_THROW(Marginals(std::vector<MarginalMap>{flat}), InputError);
}

TEST(Marginals, RowsOfWeightZeroDoNotCountAndWeightsAreAsRepeatedRows) {
  const auto x = draws(400, [](double u) { return u; });
  Matrix<double> more(1, 500);
  more << x, Matrix<double>::Constant(1, 100, 50);
  Vector<double> weights = Vector<double>::Ones(500);
  weights.tail(100).setZero();
  const auto a = fit_marginals(x), b = fit_marginals(more, weights);
  EXPECT_EQ(a.maps()[0].x, b.maps()[0].x);
  EXPECT_EQ(a.maps()[0].high.scale, b.maps()[0].high.scale);
}

}  // namespace
}  // namespace pathline

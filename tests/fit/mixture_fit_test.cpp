#include "pathline/fit/mixture_fit.hpp"

#include <cmath>
#include <limits>
#include <numbers>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/every_instruction_set.hpp"
#include "message.hpp"
#include "pathline/core/error.hpp"
#include "pathline/flow/base.hpp"

namespace pathline {
namespace {

using ::testing::HasSubstr;

Matrix<double> lower(std::initializer_list<double> rows, Index d) {
  Matrix<double> l = Matrix<double>::Zero(d, d);
  auto value = rows.begin();
  for (Index i = 0; i < d; ++i)
    for (Index j = 0; j <= i; ++j) l(i, j) = *value++;
  return l;
}

GaussianMixture three_gaussians() {
  Matrix<double> means(2, 3);
  means << -3, 0, 4, 0, 2, -1;
  return GaussianMixture(Vector<double>{{0.5, 0.3, 0.2}}, means,
                         {lower({1, 0.5, 0.5}, 2), lower({0.3, 0, 0.3}, 2), lower({0.5, -0.8, 0.4}, 2)});
}

Matrix<double> draws(const GaussianMixture& mixture, Index n, std::uint64_t seed) {
  Engine engine = make_stream(seed, "test.mixture");
  Matrix<double> x(mixture.dim(), n);
  mixture.sample(engine, x);
  return x;
}

MixtureFit fit_alone(ConstMatrixRef<double> rows, const MixtureOptions& options) {
  return fit_mixture(rows, Vector<double>(), Matrix<double>(rows.rows(), 0), Vector<double>(), options);
}

TEST(GaussianMixture, DensityOfOneComponentIsTheFormula) {
  const Matrix<double> l = lower({2, 0.5, 0.25}, 2);
  const GaussianMixture one(Vector<double>{{1.0}}, Vector<double>{{1.0, -1.0}}, {l});
  const Matrix<double> x = Vector<double>{{0.3, 0.7}};
  const Vector<double> off = x.col(0) - one.means().col(0);
  const Matrix<double> covariance = l * l.transpose();
  const double determinant = covariance(0, 0) * covariance(1, 1) - covariance(0, 1) * covariance(1, 0);
  Matrix<double> inverse(2, 2);
  inverse << covariance(1, 1), -covariance(0, 1), -covariance(1, 0), covariance(0, 0);
  inverse /= determinant;
  const double expected = -0.5 * off.dot(inverse * off) - 0.5 * std::log(determinant) - std::log(2 * std::numbers::pi);
  EXPECT_NEAR(one.log_density(x)[0], expected, 1e-13);
}

TEST(GaussianMixture, IntegratesToOne) {
  const auto mixture = three_gaussians();
  constexpr Index kNodes = 600;  // of a cell of 0.03, a tenth of the narrowest scale across: a spectral sum
  constexpr double kCell = 18.0 / kNodes;
  double sum = 0;
  Matrix<double> x(2, kNodes);
  for (Index i = 0; i < kNodes; ++i) {
    for (Index j = 0; j < kNodes; ++j)
      x(0, j) = -9 + kCell * static_cast<double>(i), x(1, j) = -9 + kCell * static_cast<double>(j);
    sum += mixture.log_density(x).array().exp().sum() * kCell * kCell;
  }
  EXPECT_NEAR(sum, 1, 1e-8);
}

TEST(GaussianMixture, ScoreIsTheDensitysGradient) {
  const auto mixture = three_gaussians();
  const Matrix<double> x = draws(mixture, 300, 1);  // more than a block
  Matrix<double> score(2, 300);
  mixture.score(x, score);
  const double h = 1e-5;  // error of the central difference: h^2 times a third derivative of at most 1e3
  for (Index i = 0; i < 2; ++i) {
    Matrix<double> up = x, down = x;
    up.row(i).array() += h, down.row(i).array() -= h;
    const RowVector<double> slope = (mixture.log_density(up) - mixture.log_density(down)) / (2 * h);
    EXPECT_LT((slope - score.row(i)).cwiseAbs().maxCoeff(), 1e-6);
  }
}

TEST(GaussianMixture, NanStaysInItsColumnAndFarPointsAreFinite) {
  const auto mixture = three_gaussians();
  Matrix<double> x = draws(mixture, 4, 1);
  const RowVector<double> before = mixture.log_density(x);
  x(1, 2) = std::nan("");
  x(0, 1) = 1e100;
  const RowVector<double> after = mixture.log_density(x);
  EXPECT_TRUE(std::isnan(after[2]));
  EXPECT_LT(after[1], -1e190);
  EXPECT_EQ(after[0], before[0]);
  EXPECT_EQ(after[3], before[3]);
}

TEST(GaussianMixture, SamplesHaveTheMoments) {
  const auto mixture = three_gaussians();
  const Matrix<double> x = draws(mixture, 100000, 3);
  const Vector<double> mean = mixture.means() * mixture.weights();
  EXPECT_LT((x.rowwise().mean() - mean).cwiseAbs().maxCoeff(), 4 * 3.0 / std::sqrt(1e5));  // 4 standard errors
  Matrix<double> second = Matrix<double>::Zero(2, 2);
  for (Index k = 0; k < 3; ++k)
    second += mixture.weights()[k] * (mixture.scale(k) * mixture.scale(k).transpose() +
                                      mixture.means().col(k) * mixture.means().col(k).transpose());
  EXPECT_LT((x * x.transpose() / 1e5 - second).cwiseAbs().maxCoeff(), 4 * 9.0 / std::sqrt(1e5));
}

TEST(GaussianMixture, RefusesWhatIsNone) {
  const Matrix<double> mean = Matrix<double>::Zero(1, 1);
  const Matrix<double> one = Matrix<double>::Ones(1, 1);
  EXPECT_THAT(message([&] { GaussianMixture(Vector<double>{{0.5}}, mean, {one}); }), HasSubstr("weights = 0.5"));
  EXPECT_THAT(message([&] { GaussianMixture(Vector<double>{{1.0}}, mean, {-one}); }), HasSubstr("scales = -1"));
  EXPECT_THAT(message([&] { GaussianMixture(Vector<double>{{1.0}}, mean / 0.0, {one}); }), HasSubstr("means"));
}

TEST(MixtureFit, RecoversTheMixtureThatMadeTheRows) {
  const auto truth = three_gaussians();
  const Matrix<double> rows = draws(truth, 20000, 1), fresh = draws(truth, 20000, 2);
  const auto fit = fit_alone(rows, {.components = 3});
  ASSERT_EQ(fit.mixture.components(), 3);
  EXPECT_TRUE(fit.converged);
  // 17 parameters from 20,000 rows: KL = 17 / 40,000 on average; four times that.
  EXPECT_LT((truth.log_density(fresh) - fit.mixture.log_density(fresh)).mean(), 4 * 17 / 40000.0);
  for (Index k = 0; k < 3; ++k) {
    Index nearest = 0;
    (fit.mixture.means().colwise() - truth.means().col(k)).colwise().norm().minCoeff(&nearest);
    EXPECT_NEAR(fit.mixture.weights()[nearest], truth.weights()[k], 0.02);  // 5 binomial standard errors
  }
}

// It is the mean and the covariance of the rows from the start.
TEST(MixtureFit, OneComponentNeedsNoSteps) {
  for (const Index n : {400, 100000}) {
    const Matrix<double> rows = draws(three_gaussians(), n, 1);
    const auto fit = fit_alone(rows, {.components = 1});
    EXPECT_EQ(fit.iterations, 1);
    EXPECT_TRUE(fit.converged);
    EXPECT_LT((fit.mixture.means() - rows.rowwise().mean()).cwiseAbs().maxCoeff(), 1e-12);
    EXPECT_NEAR(fit.train_log_density, fit.mixture.log_density(rows).mean(), 1e-9);  // of all rows
    EXPECT_GT(fit_alone(rows, {.components = 2}).iterations, 1);
  }
}

// Of many rows only some are in most iterations; the last are of all.
TEST(MixtureFit, RecoversAMixtureOfManyRows) {
  const auto truth = three_gaussians();
  const Matrix<double> rows = draws(truth, 100000, 1), fresh = draws(truth, 20000, 2);
  const auto fit = fit_alone(rows, {.components = 3});
  ASSERT_EQ(fit.mixture.components(), 3);
  EXPECT_LT((truth.log_density(fresh) - fit.mixture.log_density(fresh)).mean(), 4 * 17 / 200000.0);
  const auto all = fit_alone(rows, {.components = 3, .iterations = 1});
  EXPECT_NEAR(all.train_log_density, all.mixture.log_density(rows).mean(), 1e-9);  // of all rows
}

// More components than one chunk of the sum.
TEST(GaussianMixture, TheSumOfManyComponentsIsThatOfTheirDensities) {
  const auto three = three_gaussians();
  const auto many = fit_alone(draws(three, 2000, 1), {.components = 75, .iterations = 3}).mixture;
  ASSERT_GT(many.components(), 64);
  const Matrix<double> x = 3 * draws(three, 300, 4);
  RowVector<double> sum = RowVector<double>::Zero(300);
  for (Index k = 0; k < many.components(); ++k) {
    const GaussianMixture one(Vector<double>{{1.0}}, many.means().col(k), {many.scale(k)});
    sum.array() += many.weights()[k] * one.log_density(x).array().exp();
  }
  with_every_instruction_set([&] {
    const RowVector<double> got = many.log_density(x);
    for (Index b = 0; b < 300; ++b) {
      if (!(sum[b] > 1e-290)) continue;
      EXPECT_NEAR(got[b], std::log(sum[b]), 1e-11 * std::abs(got[b]) + 1e-12) << b;
    }
    // No point's density depends on those beside it.
    for (Index b = 0; b < 300; b += 37) EXPECT_EQ(many.log_density(x.col(b))[0], got[b]);
  });
}

// Without a prior each iteration raises the likelihood (Dempster, Laird & Rubin 1977, theorem 1).
TEST(MixtureFit, LikelihoodNeverFalls) {
  const Matrix<double> rows = draws(three_gaussians(), 2000, 5);
  double before = -std::numeric_limits<double>::infinity();
  for (Index n = 1; n <= 40; ++n) {
    const auto fit = fit_alone(
        rows, {.components = 8, .iterations = n, .tolerance = 1e-300, .regularization = 1e-14, .prior_rows = 0});
    EXPECT_GE(fit.train_log_density, before - 1e-11) << n;  // 1e-11: the rounding of 2,000 terms and of the ridge
    EXPECT_NEAR(fit.train_log_density, fit.mixture.log_density(rows).mean(), 1e-10);
    before = fit.train_log_density;
  }
}

TEST(MixtureFit, IsTheSameBitForBitOnAnyNumberOfThreads) {
  const auto truth = three_gaussians();
  const Matrix<double> rows = draws(truth, 5000, 1), held = draws(truth, 1000, 2);
  auto run = [&](int threads) {
    return choose_mixture(rows, Vector<double>(), held, Vector<double>(), {1, 4, 16}, {.threads = threads});
  };
  const auto one = run(1), three = run(3);
  ASSERT_EQ(one.mixture.components(), three.mixture.components());
  EXPECT_EQ(one.mixture.means(), three.mixture.means());
  EXPECT_EQ(one.mixture.weights(), three.mixture.weights());
  EXPECT_EQ(one.validation_log_density, three.validation_log_density);
}

TEST(MixtureFit, WeightsCountAsRepetitions) {
  const Matrix<double> rows = draws(three_gaussians(), 400, 1);
  Matrix<double> twice(2, 600);
  twice << rows, rows.leftCols(200);
  Vector<double> weights = Vector<double>::Ones(400);
  weights.head(200).setConstant(2);
  const MixtureOptions one{.components = 1};
  const auto weighted = fit_mixture(rows, weights, Matrix<double>(2, 0), Vector<double>(), one);
  const auto repeated = fit_alone(twice, one);
  EXPECT_LT((weighted.mixture.means() - repeated.mixture.means()).cwiseAbs().maxCoeff(), 1e-12);
  // The quantiles that clamp the prior's outliers are unweighted: rows within them alone.
  EXPECT_LT((weighted.mixture.scale(0) - repeated.mixture.scale(0)).cwiseAbs().maxCoeff(), 1e-9);
}

TEST(MixtureFit, ChoosesTheNumberOfComponentsByValidation) {
  const auto truth = three_gaussians();
  const Matrix<double> rows = draws(truth, 600, 1), held = draws(truth, 300, 2), fresh = draws(truth, 5000, 3);
  const auto chosen = choose_mixture(rows, Vector<double>(), held, Vector<double>(), {1, 2, 3, 6, 12, 25, 50, 100}, {});
  EXPECT_GE(chosen.mixture.components(), 3);
  EXPECT_LE(chosen.mixture.components(), 12);
  const auto gaussian = fit_alone(rows, {.components = 1});
  const auto most = fit_alone(rows, {.components = 100});
  EXPECT_GT(chosen.mixture.log_density(fresh).mean(), gaussian.mixture.log_density(fresh).mean() + 0.1);
  EXPECT_GT(chosen.mixture.log_density(fresh).mean(), most.mixture.log_density(fresh).mean());
  EXPECT_NEAR(chosen.validation_log_density, chosen.mixture.log_density(held).mean(), 1e-12);
}

TEST(MixtureFit, OneRowAndRepeatedRowsGiveADensity) {
  const Matrix<double> one = Vector<double>{{3.0, -2.0}};
  const auto single = fit_alone(one, {.components = 5});
  EXPECT_EQ(single.mixture.components(), 1);
  EXPECT_TRUE(single.mixture.log_density(one).allFinite());
  const Matrix<double> same = one.replicate(1, 500);
  const auto repeated = fit_alone(same, {.components = 5});
  EXPECT_EQ(repeated.mixture.components(), 1);
  EXPECT_TRUE(repeated.mixture.log_density(one).allFinite());
}

TEST(MixtureFit, AConstantOrCollinearColumnGivesADensity) {
  Matrix<double> rows = draws(three_gaussians(), 500, 1);
  rows.conservativeResize(4, 500);
  rows.row(2).setConstant(7);
  rows.row(3) = 2 * rows.row(0) - rows.row(1);
  const auto fit = fit_alone(rows, {.components = 4});
  EXPECT_TRUE(fit.mixture.log_density(rows).allFinite());
}

TEST(MixtureFit, OutliersDoNotSpoilTheRest) {
  const auto truth = three_gaussians();
  const Matrix<double> fresh = draws(truth, 5000, 9);
  for (const double far : {1e6, 1e30}) {
    Matrix<double> rows = draws(truth, 3000, 1);
    rows.col(7).setConstant(far), rows.col(1500)[0] = far, rows.col(2500)[1] = -far;
    const auto fit = choose_mixture(rows, Vector<double>(), rows.leftCols(10), Vector<double>(), {12}, {});
    // The rest as well as without outliers: 12 components have 71 parameters, 71 / 6,000 nats on average.
    EXPECT_LT((truth.log_density(fresh) - fit.mixture.log_density(fresh)).mean(), 3 * 71 / 6000.0) << far;
  }
}

// An integer column: without the floor a component would shrink onto each integer, and the density there would grow
// without a bound.
// The pooled covariance says nothing of clusters that are far apart: they came out 500 wide.
TEST(MixtureFit, ClustersFarApartKeepTheirWidth) {
  for (const double apart : {1e3, 1e6}) {
    Engine engine = make_stream(3, "far apart");
    Matrix<double> x(3, 900), fresh(3, 300);
    double sum = 0;
    for (Matrix<double>* rows : {&x, &fresh}) {
      fill_normal<double>(engine, *rows);
      if (rows == &fresh) sum = rows->array().square().sum() / 2;
      for (Index b = 0; b < rows->cols(); ++b) rows->col(b).head(2).array() += apart * static_cast<double>(b % 3);
    }
    const double exact = -sum / 300 - 1.5 * std::log(2 * M_PI) - std::log(3.0);
    const auto fit = fit_mixture(x, Vector<double>(), Matrix<double>(3, 0), Vector<double>(), {.components = 3});
    EXPECT_NEAR(fit.mixture.log_density(fresh).mean(), exact, 0.05) << apart;
  }
}

TEST(MixtureFit, AFloorKeepsComponentsFromShrinkingOntoRoundedValues) {
  Matrix<double> rows = draws(three_gaussians(), 3000, 1);
  rows.row(0) = rows.row(0).array().round();
  const Vector<double> steps = rounding_steps(rows);
  EXPECT_EQ(steps[0], 1);
  EXPECT_EQ(steps[1], 0);
  const MixtureOptions options{.components = 30, .floor = steps.array().square() / 12};
  const auto fit = fit_alone(rows, options);
  for (Index k = 0; k < fit.mixture.components(); ++k)
    EXPECT_GE(fit.mixture.scale(k)(0, 0), (1 - 1e-9) / std::sqrt(12.0));
  auto without = options;
  without.floor = {};
  EXPECT_GT(fit_alone(rows, without).train_log_density, fit.train_log_density + 1);
}

TEST(RoundingSteps, AreOfColumnsThatRepeatValuesAlone) {
  Engine engine = make_stream(1, "test.rounding");
  Matrix<double> rows(4, 2000);
  fill_normal<double>(engine, rows);
  rows.row(1) = (rows.row(1).array() * 100).round() / 100;
  rows.row(2).setConstant(3);
  for (Index b = 0; b < 300; ++b) rows(3, 3 * b) = 0;  // a point mass: the rest is not rounded
  const Vector<double> steps = rounding_steps(rows);
  EXPECT_EQ(steps[0], 0);
  EXPECT_NEAR(steps[1], 0.01, 1e-12);
  EXPECT_EQ(steps[2], 0);
  EXPECT_LT(steps[3], 1e-3);
}

TEST(MixtureFit, RefusesValuesAndOptionsThatMakeNoSense) {
  Matrix<double> rows = draws(three_gaussians(), 50, 1);
  EXPECT_THAT(message([&] { fit_alone(rows, {.components = 0}); }), HasSubstr("components = 0: must be >= 1"));
  EXPECT_THAT(message([&] { fit_alone(rows, {.tolerance = std::nan("")}); }), HasSubstr("tolerance"));
  EXPECT_THAT(message([&] { fit_alone(rows, {.regularization = 0}); }), HasSubstr("regularization"));
  EXPECT_THAT(message([&] { fit_alone(rows, {.floor = Vector<double>::Ones(3)}); }), HasSubstr("floor"));
  EXPECT_THAT(message([&] { fit_alone(rows.leftCols(0), {}); }), HasSubstr("rows = 0"));
  rows(1, 30) = std::nan("");
  EXPECT_THAT(message([&] { fit_alone(rows, {}); }), HasSubstr("finite"));
}

TEST(GaussianMixture, AsAFlowsBaseHasItsDensity) {
  const auto mixture = three_gaussians();
  const Matrix<double> x = draws(mixture, 500, 4);
  const auto base = make_base(mixture);
  EXPECT_EQ(base->components(), 3);
  EXPECT_LT((base->log_density(x) - mixture.log_density(x)).cwiseAbs().maxCoeff(), 1e-12);
}

// All parameters of N(0, 1) are 0, as those of a base before any are set.
TEST(GaussianMixture, TheStandardNormalAsAFlowsBaseHasADensity) {
  const Matrix<double> zero = Matrix<double>::Zero(1, 1);
  const auto base = make_base(GaussianMixture(Vector<double>{{1.0}}, zero, {Matrix<double>::Ones(1, 1)}));
  EXPECT_NEAR(base->log_density(zero)[0], -0.5 * std::log(2 * std::numbers::pi), 1e-15);
}

}  // namespace
}  // namespace pathline

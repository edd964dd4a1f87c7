#include "pathline/train/base_fit.hpp"

#include <chrono>
#include <cmath>

#include <gmock/gmock.h>

#include "core/clock.hpp"
#include "pathline/core/error.hpp"
#include "pathline/field/mlp.hpp"
#include "pathline/train/base_choice.hpp"
#include "train/mixture_search.hpp"

namespace pathline {
namespace {

Matrix<double> normal_draws(Index rows, Index cols, std::uint64_t seed) {
  Engine engine = make_stream(seed, "test.base");
  Matrix<double> x(rows, cols);
  fill_normal<double>(engine, x);
  return x;
}

// Two clusters, one a tenth as wide.
Matrix<double> clusters(Index n, std::uint64_t seed) {
  Matrix<double> x = normal_draws(2, n, seed);
  for (Index b = 0; b < n; b += 2) x.col(b) = 0.1 * x.col(b).array() + 4;
  return x;
}

BaseRows rows_of(const Matrix<double>& training, const Matrix<double>& validation) {
  return {training, validation, {}, {}, RowVector<double>::Zero(validation.cols())};
}

Flow<float> small_flow(Index dim) {
  auto field = std::make_shared<Mlp<float>>(MlpOptions{.dim = dim, .hidden = {4}});
  return Flow<float>(Cnf<float>(field));
}

TEST(BaseFit, RowsAreThoseOfTheTableInTheUnitsOfTheBase) {
  const Matrix<double> x = 3 * clusters(200, 1).array() + 7;
  const auto data = matrix_data(x);
  auto flow = small_flow(2);
  data.set_units(flow);
  const auto rows = base_rows(flow, data);
  EXPECT_EQ(rows.training.cols(), 160);
  EXPECT_LT(rows.training.rowwise().mean().cwiseAbs().maxCoeff(), 1e-9);
  EXPECT_NEAR(rows.validation_log_det[0], -flow.scale().array().log().sum(), 1e-12);
  // The density of the flow, whose field is zero, is that of the mixture.
  const auto mixture = fit_base(rows, {.components = 2});
  flow.base = make_base(mixture);
  const auto expected = validation_log_density(mixture, rows);
  const auto got = flow.log_prob(data.validation().x).log_prob;
  EXPECT_LT((got - expected).cwiseAbs().maxCoeff(), 1e-4);  // float
}

// A sine with a narrow scatter, as that of a variable and its measurement.
Matrix<double> sine(Index n, double width, std::uint64_t seed) {
  Matrix<double> x = normal_draws(2, n, seed);
  x.row(1) = (2 * x.row(0).array()).sin() + width * x.row(1).array();
  return x;
}

// One row of 3,000 beside the narrow components cost 2,000 nats, 0.7 in the mean.
TEST(BaseFit, ARowBesideNarrowComponentsCostsItsRarity) {
  const auto rows = rows_of(sine(2000, 1e-3, 1), sine(300, 1e-3, 2));
  const auto mixture = fit_base(rows, {.components = 16, .prior_rows = 0.01});
  const Matrix<double> beside{{0, 1, -1, 5}, {0.9, 0, 0.9, -1}};
  EXPECT_GT(mixture.log_density(beside).minCoeff(), -std::log(2000) - 20);
  EXPECT_NEAR(mixture.weights().sum(), 1, 1e-12);
  EXPECT_NEAR(mixture.weights().minCoeff(), 1.0 / 2001, 1e-9);
  // Of the covariance of all rows, twice; one component alone has it already.
  const auto& wide = mixture.scale(mixture.components() - 1);
  const Matrix<double> apart = rows.training.colwise() - rows.training.rowwise().mean();
  const Matrix<double> expected = 2 * apart * apart.transpose() / 2000;
  EXPECT_LT((wide * wide.transpose() - expected).norm(), 0.05 * expected.norm());
  EXPECT_EQ(fit_base(rows, {.components = 1}).components(), 1);
}

// Weights that all are 3e-7 made every component vanish; those of 1e300 have no finite squares.
TEST(BaseFit, TheUnitOfWeightsDoesNotMatter) {
  const Matrix<double> x = normal_draws(2, 1000, 1);
  const RowVector<double> weights = normal_draws(1, 1000, 2).array().exp();
  const auto rows = [&](double unit) {
    const auto data = matrix_data(x, {.weights = unit * weights});
    return base_rows(small_flow(2), data);
  };
  const auto one = rows(1);
  const Vector<double>& w = one.training_weights;
  EXPECT_NEAR(w.sum(), w.sum() * w.sum() / w.squaredNorm(), 1e-9);  // Kish's effective sample size
  for (const double unit : {3e-7, 1e-300, 1e300}) {
    const auto other = rows(unit);
    EXPECT_LT((other.training_weights - w).cwiseAbs().maxCoeff(), 1e-9) << unit;
    EXPECT_LT((other.validation_weights - one.validation_weights).cwiseAbs().maxCoeff(), 1e-9) << unit;
    const auto fit = fit_base(other, {.components = 2});
    EXPECT_TRUE(fit.log_density(x).allFinite()) << unit;
  }
}

TEST(BaseFit, TheMeanOfMembersIsAtLeastAsGoodAsTheirMean) {
  const auto rows = rows_of(clusters(600, 1), clusters(300, 2));
  const BaseFitOptions options{.components = 20, .members = 3};
  double mean = 0;
  for (Index i = 0; i < 3; ++i)
    mean += validation_log_density(fit_base_member(rows, options, i).mixture, rows).mean() / 3;
  EXPECT_GT(validation_log_density(fit_base(rows, options), rows).mean(), mean);
}

TEST(BaseFit, ThreadsDoNotChangeIt) {
  const auto rows = rows_of(clusters(3000, 1), clusters(300, 2));
  const auto one = fit_base(rows, {.components = 8, .members = 2, .threads = 1});
  const auto two = fit_base(rows, {.components = 8, .members = 2, .threads = 2});
  EXPECT_EQ(one.means(), two.means());
  EXPECT_EQ(one.weights(), two.weights());
}

TEST(RobustGain, NoSingleRowDecides) {
  RowVector<double> a = RowVector<double>::Constant(100, 0.1), b = RowVector<double>::Zero(100);
  a[7] = -1e9;
  EXPECT_GT(robust_gain(a, b, {}), 0.09);
  EXPECT_LT(robust_gain(b, a, {}), -0.09);
  EXPECT_EQ(robust_gain(RowVector<double>(0), RowVector<double>(0), {}), 0);
  Vector<double> weights = Vector<double>::Zero(2);
  weights[1] = 2;
  EXPECT_EQ(robust_gain(RowVector<double>{{0, 3}}, RowVector<double>{{5, 1}}, weights), 2);
}

TEST(BaseChoice, IsTheMixtureOfWhichTheDataAre) {
  const auto rows = rows_of(clusters(4000, 1), clusters(1000, 2));
  const auto choice = choose_base(rows, nullptr, {.seconds = 20});
  EXPECT_GE(choice.fit.components, 2);
  const double entropy = std::log(2 * M_PI * M_E) + std::log(2.0) - 0.5 * 2 * std::log(10.0);
  EXPECT_NEAR(choice.nll, entropy, 0.1);  // three standard errors of 1,000 rows
  EXPECT_GT(choice.gaussian_nll, choice.nll + 0.5);
  EXPECT_EQ(fit_base(rows, choice.fit).means(), choice.mixture.means());
}

// Forty narrow clusters on a circle.
Matrix<double> many_clusters(Index n, std::uint64_t seed) {
  Matrix<double> x = 0.02 * normal_draws(2, n, seed);
  for (Index b = 0; b < n; ++b) {
    const double angle = 2 * M_PI * static_cast<double>(b % 40) / 40;
    x(0, b) += std::cos(angle), x(1, b) += std::sin(angle);
  }
  return x;
}

// Trials took half of the time, and the prediction refused larger mixtures.
TEST(BaseChoice, TheSearchReachesALargerMixtureWithinTheTime) {
  const auto rows = rows_of(many_clusters(8000, 1), many_clusters(1000, 2));
  const auto began = std::chrono::steady_clock::now();
  const auto choice = choose_base(rows, nullptr, {.seconds = 6});
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  EXPECT_LT(took.count(), 7);
  EXPECT_GE(choice.fit.components, 32);
  const double entropy = std::log(2 * M_PI * M_E) + 2 * std::log(0.02) + std::log(40.0);
  EXPECT_NEAR(choice.nll, entropy, 0.15);  // three standard errors of 1,000 rows, and 240 parameters of 8,000 rows
}

TEST(BaseChoice, IsNotWorseThanAnyMixtureThatItTried) {
  const auto rows = rows_of(many_clusters(4000, 3), many_clusters(600, 4));
  const auto choice = choose_base(rows, nullptr, {.seconds = 5});
  for (const Index k : {1, 4, 16, 64}) {
    const auto fit = fit_base_member(rows, {.components = k}, 0);
    EXPECT_LT(choice.nll, -validation_log_density(fit.mixture, rows).mean() + 0.02) << k;
  }
}

// With more than 16 components the prior was the wide one again, so that the search ended there.
TEST(BaseChoice, NarrowComponentsStayNarrowWhereThereAreManySlow) {
  const auto rows = rows_of(sine(3200, 0.01, 3), sine(800, 0.01, 4));
  const BaseChoiceOptions options;
  MixtureSearch search(rows, options, "");
  std::vector<std::string> reasons;
  search.double_from_one(64, seconds_now() + 1e6, reasons);
  EXPECT_GT(search.best().fit.components, 16);
  EXPECT_LT(search.best().fit.prior_rows, 1);
  const double entropy = 1 + std::log(2 * M_PI) + std::log(0.01);
  EXPECT_LT(search.nll(search.best()), entropy + 0.2);  // 0.35 with 16
}

// The ridge that was added to every covariance, and the least prior, made the spike as wide as a thousandth of the
// slab.
TEST(BaseChoice, ASpikeIsAsNarrowAsItIs) {
  for (const double width : {1e-3, 1e-5}) {
    const auto draw = [&](Index n, std::uint64_t seed) {
      Matrix<double> x = normal_draws(2, n, seed);
      for (Index b = 0; b < n; b += 2) x.col(b) *= width;
      return x;
    };
    const auto rows = rows_of(draw(3000, 5), draw(1000, 6));
    const BaseChoiceOptions options;
    MixtureSearch search(rows, options, "");
    std::vector<std::string> reasons;
    search.double_from_one(16, seconds_now() + 1e6, reasons);
    double truth = 0;  // the mean log-density of the validation rows
    for (Index b = 0; b < 1000; ++b) {
      const double r2 = rows.validation.col(b).squaredNorm();
      truth += std::log(0.5 * std::exp(-r2 / 2) + 0.5 * std::exp(-r2 / (2 * width * width)) / (width * width)) -
               std::log(2 * M_PI);
    }
    EXPECT_LT(search.nll(search.best()) + truth / 1000, 0.02) << width;
  }
}

TEST(BaseChoice, MoreMembersOnlyImproveIt) {
  const auto rows = rows_of(many_clusters(2000, 3), many_clusters(600, 4));
  auto choice = choose_base(rows, nullptr, {.seconds = 1});
  const auto before = choice;
  add_members(choice, rows, {.seconds = 1});
  EXPECT_LE(choice.nll, before.nll);
  EXPECT_GE(choice.fit.members, before.fit.members);
  EXPECT_EQ(fit_base(rows, choice.fit).means(), choice.mixture.means());
}

// 0.1 % of the rows, twenty standard deviations away: the test log-density hardly shows whether they kept their weight.
TEST(BaseChoice, ARareModeKeepsItsWeight) {
  Engine engine = make_stream(5, "test.rare");
  Matrix<double> x = normal_draws(1, 20000, 6);
  Index rare = 0;
  for (Index b = 0; b < 18000; ++b)
    if (uniform(engine) < 1e-3) x(0, b) = 20 + 0.5 * x(0, b), ++rare;
  const auto rows = rows_of(x.leftCols(18000), x.rightCols(2000));
  const auto choice = choose_base(rows, nullptr, {.seconds = 5});
  double weight = 0;
  for (Index k = 0; k < choice.mixture.components(); ++k)
    if (choice.mixture.means()(0, k) > 10) weight += choice.mixture.weights()[k];
  const double share = static_cast<double>(rare) / 18000;
  EXPECT_NEAR(weight, share, 0.01 * share);  // no other row is near
}

// The choice is a run's recipe, in which a user may set more components: they had one step of expectation maximization.
TEST(BaseChoice, OfOneComponentLeavesTheIterations) {
  for (const Index rows : {50, 2000}) {
    int ones = 0;
    for (std::uint64_t seed = 0; seed < 5; ++seed) {
      const auto table = rows_of(normal_draws(2, rows, seed), normal_draws(2, rows / 5, seed + 10));
      const auto choice = choose_base(table, nullptr, {.seconds = 5});
      if (choice.fit.components > 1) continue;  // two were better by chance
      ++ones;
      EXPECT_EQ(choice.fit.iterations, BaseFitOptions{}.iterations) << rows;
    }
    EXPECT_GE(ones, 1) << rows;
  }
}

// Ten rows gave KL 274 by a network; a Gaussian has 0.1 to 1.
TEST(BaseChoice, OfTenRowsIsAWideGaussian) {
  const auto choice = choose_base(rows_of(normal_draws(2, 8, 1), normal_draws(2, 1, 2)), nullptr, {.seconds = 20});
  EXPECT_EQ(choice.fit.components, 1);
  EXPECT_TRUE(choice.fit.all_rows);
  const auto test = normal_draws(2, 20000, 3);
  const double entropy = std::log(2 * M_PI * M_E);
  EXPECT_LT(-choice.mixture.log_density(test).mean() - entropy, 1);
}

// A hundred rows in twenty columns: 230 parameters of a full Gaussian cost a nat; 40 of a diagonal one 0.2.
TEST(BaseChoice, OfFewRowsInManyColumnsIsShrunk) {
  const auto choice = choose_base(rows_of(normal_draws(20, 90, 1), normal_draws(20, 10, 2)), nullptr, {.seconds = 20});
  EXPECT_GT(choice.fit.diagonal, 0.1);
  const auto test = normal_draws(20, 4000, 3);
  const double entropy = 10 * std::log(2 * M_PI * M_E);
  EXPECT_LT(-choice.mixture.log_density(test).mean() - entropy, 0.35);
}

// The powers 1.1 and 1.5 of a Pareto distribution: some Gaussians were as good on the validation rows, and without a bound
// on others.
TEST(BaseChoice, AHeavyTailIsMappedSlow) {
  for (const auto& [power, seed] : {std::pair<double, std::uint64_t>{1.1, 4}, {1.5, 5}}) {
    Matrix<double> x = normal_draws(2, 4000, seed);
    Engine engine = make_stream(seed, "test.base");
    Matrix<double> u(1, 4000);
    fill_uniform<double>(engine, u);
    x.row(0) = (1 - u.array()).pow(-1 / power);
    const auto data = matrix_data(x);
    const auto rows_in = [](const TrainingData& from) {
      auto flow = small_flow(2);
      from.set_units(flow);
      return base_rows(flow, from);
    };
    const auto plain = rows_in(data), mapped = rows_in(data.with_marginals());
    EXPECT_TRUE(choose_base(plain, &mapped, {.seconds = 20}).marginals) << power;
  }
}

// Sixteen rows leave 35 of fifty directions without any width: the NLL was 1e13, and no model was written.
TEST(BaseChoice, OfFewerRowsThanColumnsIsShrunk) {
  const auto choice = choose_base(rows_of(normal_draws(50, 16, 1), normal_draws(50, 2, 2)), nullptr, {.seconds = 20});
  const auto test = normal_draws(50, 1000, 3);
  const double entropy = 25 * std::log(2 * M_PI * M_E);
  EXPECT_LT(choice.nll, entropy + 10);
  EXPECT_LT(-choice.mixture.log_density(test).mean() - entropy, 5);  // 100 means and variances from 18 rows: 2.8
}

// y = +-(1 + c) given c, which no single Gaussian is; the joint is fitted, and compared by its conditional.
Matrix<double> two_branches(Index n, std::uint64_t seed) {
  Matrix<double> x = normal_draws(2, n, seed);  // c, y
  for (Index b = 0; b < n; ++b) x(1, b) = (b % 2 ? 1 : -1) * (3 + x(0, b)) + 0.1 * x(1, b);
  return x;
}

TEST(BaseChoice, WithAConditionIsByTheConditionalDensity) {
  auto rows = rows_of(two_branches(4000, 1), two_branches(1000, 2));
  rows.condition_dim = 1;
  const auto choice = choose_base(rows, nullptr, {.seconds = 10});
  const double entropy = 0.5 * std::log(2 * M_PI * M_E) + std::log(0.1) + std::log(2.0);
  EXPECT_NEAR(choice.nll, entropy, 0.08);  // three standard errors of 1,000 rows, of 0.7 nats each
  const auto again = fit_base(rows, choice.fit);
  EXPECT_EQ(again.means(), choice.mixture.means());
  EXPECT_NEAR(-validation_log_density(again, rows).mean(), choice.nll, 1e-12);
}

// Three hundred rows are cross-validated, by the conditional too.
TEST(BaseChoice, OfFewRowsWithAConditionIsByTheConditionalDensity) {
  auto rows = rows_of(two_branches(270, 1), two_branches(30, 2));
  rows.condition_dim = 1;
  const auto choice = choose_base(rows, nullptr, {.seconds = 10});
  EXPECT_TRUE(choice.fit.all_rows);
  auto test = rows_of(two_branches(270, 1), two_branches(4000, 3));
  test.condition_dim = 1;
  const double entropy = 0.5 * std::log(2 * M_PI * M_E) + std::log(0.1) + std::log(2.0);
  EXPECT_LT(-validation_log_density(choice.mixture, test).mean(), entropy + 0.15);  // 11 numbers of 300 rows: 0.02
}

TEST(BaseFit, TakesAsManyRowsAsItIsTold) {
  const auto data = matrix_data(clusters(1000, 1));
  auto flow = small_flow(2);
  data.set_units(flow);
  EXPECT_EQ(base_rows(flow, data).training.cols(), 800);
  const auto some = base_rows(flow, data, 90);
  EXPECT_EQ(some.training.cols(), 89);  // every ninth
  EXPECT_EQ(some.validation.cols(), 50);
  EXPECT_EQ(some.validation_log_det.size(), 50);
  EXPECT_EQ(some.training.col(1), base_rows(flow, data).training.col(9));
}

TEST(BaseChoice, NeedsATableAndAnOptionInRange) {
  auto flow = small_flow(2);
  EXPECT_THROW(base_rows(flow, TrainingData::none(2)), InputError);
  const auto rows = rows_of(clusters(600, 1), clusters(100, 2));
  EXPECT_THROW(fit_base(rows, {.members = 0}), InputError);
  EXPECT_THROW(fit_base(rows, {.inflation = std::nan("")}), InputError);
  EXPECT_THROW(choose_base(rows, nullptr, {.seconds = 0}), InputError);
}

}  // namespace
}  // namespace pathline

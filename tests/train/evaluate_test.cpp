#include "pathline/train/evaluate.hpp"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "pathline/core/error.hpp"
#include "pathline/field/mlp.hpp"

namespace pathline {
namespace {

// N(0, v) in each of two dimensions, without its constant.
Target gaussian(double v) {
  Target t;
  t.dim = 2;
  t.log_z = std::log(2 * M_PI * v);
  t.log_density = [v](ConstMatrixRef<double> x, Matrix<double>* gradient) -> RowVector<double> {
    if (gradient) *gradient = -x / v;
    return -x.colwise().squaredNorm() / (2 * v);
  };
  return t;
}

// A field of zeros draws from N(0, 1): the integral of p^2 / q is 1 / sqrt(v (2 - v)) a dimension.
TEST(EvaluateTarget, EffectiveSampleSizeAndConstantOfAGaussianAreKnown) {
  Flow<double> flow(Cnf<double>{std::make_shared<Mlp<double>>(MlpOptions{.hidden = {3}})});
  const auto e = evaluate_target(flow, gaussian(0.5), 200000, 1, {});
  EXPECT_NEAR(*e.ess, 0.75, 0.01);
  EXPECT_NEAR(*e.log_z, std::log(M_PI), 4 * *e.log_z_error);
  EXPECT_NEAR(*e.log_z_error, std::sqrt((1 / 0.75 - 1) / 200000), 1e-4);
  // KL(N(0, 1) || N(0, v)) = (1 / v - 1 + log v) / 2 a dimension.
  EXPECT_NEAR(*e.kl, 1 + std::log(0.5), 4 * *e.kl_error);
  const auto exact = evaluate_target(flow, gaussian(1), 1000, 1, {});
  EXPECT_NEAR(*exact.ess, 1, 1e-12);
  EXPECT_NEAR(exact.nll, -std::log(2 * M_PI), 1e-12);
}

// N(0, 1) and, seven standard deviations away, as much again in a narrower Gaussian.
Target two_modes() {
  Target t;
  t.dim = 2;
  t.log_density = [](ConstMatrixRef<double> x, Matrix<double>*) -> RowVector<double> {
    RowVector<double> out(x.cols());
    for (Index b = 0; b < x.cols(); ++b) {
      const double first = -x.col(b).squaredNorm() / 2;
      const double second = -((x(0, b) - 7) * (x(0, b) - 7) + x(1, b) * x(1, b)) / (2 * 0.25) - std::log(0.25);
      out[b] = std::log(std::exp(first) + std::exp(second));
    }
    return out;
  };
  return t;
}

// The effective sample size of the double well's model was 100 % when it had lost a well, and its log Z 0.26 nats
// short.
TEST(EvaluateTarget, ALostModeIsFoundByWiderDraws) {
  Flow<double> flow(Cnf<double>{std::make_shared<Mlp<double>>(MlpOptions{.hidden = {3}})});
  auto e = evaluate_target(flow, two_modes(), 2000, 1, {});
  EXPECT_GT(*e.ess, 0.99);
  EXPECT_FALSE(has_lost_modes(e));  // not looked for yet
  check_for_lost_modes(flow, two_modes(), 100000, 2, {}, e);
  EXPECT_NEAR(*e.wide_log_z, std::log(2 * 2 * M_PI), 4 * *e.wide_log_z_error);
  EXPECT_TRUE(has_lost_modes(e));
  auto whole = evaluate_target(flow, gaussian(0.5), 2000, 1, {});
  check_for_lost_modes(flow, gaussian(0.5), 20000, 2, {}, whole);
  EXPECT_NEAR(*whole.wide_log_z, std::log(M_PI), 4 * *whole.wide_log_z_error);
  EXPECT_FALSE(has_lost_modes(whole));
}

// It was printed as +- 0.0000, which says that it is exact.
TEST(MeanError, OfOneValueIsNotKnown) {
  RowVector<double> values(2);
  values << 1, 3;
  EXPECT_EQ(mean_error(values).error, 1);
  EXPECT_EQ(mean_error(values.head(1)).mean, 1);
  EXPECT_TRUE(std::isnan(mean_error(values.head(1)).error));
}

// Integer weights count a value that many times; equal ones are none.
TEST(MeanError, IsWeighted) {
  const RowVector<double> values{{1, 4, -2, 7}};
  const auto equal = mean_error(values, RowVector<double>::Constant(4, 0.3)), plain = mean_error(values);
  EXPECT_NEAR(equal.mean, plain.mean, 1e-14);
  EXPECT_NEAR(equal.error, plain.error, 1e-14);
  EXPECT_NEAR(mean_error(values, RowVector<double>{{3, 1, 0, 2}}).mean, (3 + 4 + 14) / 6.0, 1e-14);
  // sum of (share * residual)^2, of three values with a weight
  const double m = 3.5, squares = std::pow(0.5 * (1 - m), 2) + std::pow((4 - m) / 6, 2) + std::pow((7 - m) / 3, 2);
  EXPECT_NEAR(mean_error(values, RowVector<double>{{3, 1, 0, 2}}).error, std::sqrt(squares * 1.5), 1e-14);
  const RowVector<double> infinite{{1, -std::numeric_limits<double>::infinity()}};
  EXPECT_EQ(mean_error(infinite, RowVector<double>{{1, 0}}).mean, 1);
}

// An outlier of the test rows made the NLL 1e57, and nothing said that the rest were at 2.84.
TEST(Evaluate, AFewFarPointsAreTakenOutBeside) {
  RowVector<double> log_prob = RowVector<double>::LinSpaced(300, -4, -2);
  EXPECT_FALSE(evaluation_of(log_prob, 0).far);
  log_prob[17] = -1e57;
  const auto one = evaluation_of(log_prob, 0);
  ASSERT_TRUE(one.far);
  EXPECT_EQ(one.far->points, 1);
  EXPECT_NEAR(one.far->nll, 3, 0.01);
  EXPECT_NEAR(one.far->nll_error, 2 / std::sqrt(12.0 * 299), 1e-3);
  RowVector<double> weights = RowVector<double>::Ones(300);
  weights.head(150).setZero();
  weights[17] = 1;
  EXPECT_NEAR(evaluation_of(log_prob, 0, {}, weights).far->nll, 2.5, 0.01);
  log_prob.head(50).setConstant(-1e5);  // no outliers, but a model that is wrong
  EXPECT_FALSE(evaluation_of(log_prob, 0).far);
}

}  // namespace
}  // namespace pathline

#include "pathline/flow/flow_mixture.hpp"

#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "message.hpp"
#include "pathline/field/mlp.hpp"
#include "pathline/flow/error_bar.hpp"

namespace pathline {
namespace {

using testing::HasSubstr;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
const Matrix<double> kUnconditioned(0, 0);
const EvaluationOptions kFine{.solver = {.rtol = 1e-10, .atol = 1e-10}};

template <class S> Flow<S> random_flow(std::uint64_t seed, Index dim = 2, Index condition_dim = 0) {
  auto field = std::make_shared<Mlp<S>>(MlpOptions{.dim = dim, .condition_dim = condition_dim, .hidden = {7, 6}});
  Engine engine = make_stream(seed, "flow_mixture_test");
  field->initialize(engine);
  Flow<S> flow{Cnf<S>(field)};
  flow.standardize(Vector<double>::Constant(dim, 0.3 * static_cast<double>(seed)), Vector<double>::Constant(dim, 1.5));
  flow.condition_mean.setConstant(0.4), flow.condition_scale.setConstant(2);
  return flow;
}

Vector<double> equal(Index n) { return Vector<double>::Constant(n, 1); }

// log sum_k w_k p_k by the members' own functions.
template <class S> RowVector<double> by_hand(const std::vector<Flow<S>>& members, const Vector<double>& weights,
                                             const Matrix<double>& x, const Matrix<double>& c,
                                             const EvaluationOptions& options) {
  RowVector<double> sum = RowVector<double>::Zero(x.cols());
  for (std::size_t k = 0; k < members.size(); ++k)
    sum.array() += weights[static_cast<Index>(k)] / weights.sum() * members[k].log_prob(x, c, options).log_prob.array().exp();
  return sum.array().log();
}

TEST(FlowMixture, TheDensityIsTheMeanOfTheMembersDensities) {
  const Matrix<double> x = 2 * Matrix<double>::Random(2, 100), c = Matrix<double>::Random(1, 100);
  const Vector<double> weights{{3, 1, 2}};
  const std::vector<Flow<double>> members{random_flow<double>(1, 2, 1), random_flow<double>(2, 2, 1),
                                          random_flow<double>(3, 2, 1)};
  const auto flow = flow_mixture(members, weights);
  for (const double tolerance : {1e-3, 1e-10}) {  // the members solve with the options of the call
    const EvaluationOptions options{.solver = {.rtol = tolerance, .atol = tolerance}, .threads = 2};
    const auto got = flow.log_prob(x, c, options);
    EXPECT_LT((got.log_prob - by_hand(members, weights, x, c, options)).cwiseAbs().maxCoeff(), 1e-13);  // rounding
    EXPECT_GT(got.nfe, 0);
    EXPECT_TRUE(got.report.ok());
  }
  EXPECT_EQ(flow.condition_dim(), 1);
  EXPECT_EQ(flow.base->components(), 3);
  const std::vector<Flow<float>> narrow{random_flow<float>(1, 2, 1), random_flow<float>(2, 2, 1)};
  EXPECT_LT((flow_mixture(narrow, equal(2)).log_prob(x, c).log_prob - by_hand(narrow, equal(2), x, c, {}))
                .cwiseAbs()
                .maxCoeff(),
            1e-13);  // no member sees a point that was rounded to float on the way to it
}

// A point far from 0 would lose its digits in float; a point on a bound would fall outside by rounding.
TEST(FlowMixture, BoundsAndPeriodsAreThoseOfTheMembers) {
  const Bounds<double> bounds(Vector<double>{{0, -90}}, Vector<double>{{kInfinity, 450}}, Vector<double>{{1e-3, 0}});
  std::vector<Flow<float>> members{random_flow<float>(1), random_flow<float>(2)};
  for (auto& flow : members) {
    flow.set_bounds(bounds);
    flow.set_periods(Periods(Vector<double>{{0, 0}}, Vector<double>{{0, 360}}, bounds));
  }
  const auto flow = flow_mixture(members, equal(2));
  Matrix<double> x(2, 4);
  x << 1.3, 0, -0.1, 1.3, 20, 30, 40, 380;
  const auto log_p = flow.log_prob(x).log_prob;
  const auto expected = by_hand(members, equal(2), x, kUnconditioned, {});
  for (const Index b : {0, 1, 3}) EXPECT_NEAR(log_p[b], expected[b], 1e-13) << b;  // rounding
  EXPECT_TRUE(std::isfinite(log_p[1]));
  EXPECT_EQ(log_p[2], -kInfinity);
  EXPECT_NEAR(log_p[3], log_p[0], 1e-5);  // one period on; float
  ASSERT_TRUE(flow.bounds());
  ASSERT_TRUE(flow.periods());
  const auto drawn = flow.sample(500, 1).points;
  EXPECT_GT(drawn.row(0).minCoeff(), 0);
  EXPECT_GE(drawn.row(1).minCoeff(), 0);
  EXPECT_LT(drawn.row(1).maxCoeff(), 360);
  auto line = flow;  // a copy shares nothing
  line.set_periods({});
  EXPECT_FALSE(line.members()->members()[0].periods());
  EXPECT_TRUE(flow.members()->members()[0].periods());
}

TEST(FlowMixture, TheScoreIsTheGradientOfTheDensity) {
  const std::vector<Flow<double>> members{random_flow<double>(1), random_flow<double>(4)};
  const auto flow = flow_mixture(members, Vector<double>{{1, 2}});
  const Matrix<double> x = 2 * Matrix<double>::Random(2, 20);
  const auto score = flow.score(x, kUnconditioned, {.solver = kFine.solver});
  EXPECT_LT((score.log_prob - flow.log_prob(x, kUnconditioned, kFine).log_prob).cwiseAbs().maxCoeff(), 1e-8);
  constexpr double kStep = 1e-4;
  for (Index i = 0; i < 2; ++i) {
    Matrix<double> low = x, high = x;
    low.row(i).array() -= kStep, high.row(i).array() += kStep;
    const RowVector<double> difference = (flow.log_prob(high, kUnconditioned, kFine).log_prob -
                                          flow.log_prob(low, kUnconditioned, kFine).log_prob) / (2 * kStep);
    EXPECT_LT((difference - score.score.row(i)).cwiseAbs().maxCoeff(), 1e-5);  // step^2, and 1e-10 / step
  }
}

TEST(FlowMixture, DrawsFallToTheMembersByTheirWeights) {
  std::vector<Flow<double>> members{random_flow<double>(1), random_flow<double>(2), random_flow<double>(3)};
  for (std::size_t k = 0; k < 3; ++k)
    members[k].standardize(Vector<double>::Constant(2, 1000.0 * static_cast<double>(k)), Vector<double>::Ones(2));
  const Vector<double> weights{{0.2, 0.5, 0.3}};
  const auto flow = flow_mixture(members, weights);
  constexpr Index kDraws = 6400;
  const auto all = flow.sample(kDraws, 7);
  for (Index k = 0; k < 3; ++k) {
    const double share = ((all.points.row(0).array() / 1000).round() == static_cast<double>(k)).cast<double>().mean();
    // 5 standard errors: one seed in a million
    EXPECT_NEAR(share, weights[k], 5 * std::sqrt(weights[k] * (1 - weights[k]) / kDraws)) << k;
  }
  EXPECT_LT((all.log_prob - flow.log_prob(all.points).log_prob).cwiseAbs().maxCoeff(), 1e-12);
  // In parts, and on another number of threads, they are the same.
  const auto part = flow.sample(kDraws - 640, 7, {.first = 640, .density = false, .threads = 2});
  EXPECT_EQ(part.points, all.points.rightCols(kDraws - 640));
  EXPECT_NE(flow.sample(64, 8).points, all.points.leftCols(64));
  EXPECT_EQ(flow.sample(0, 8).points.cols(), 0);
}

TEST(FlowMixture, DrawsHaveTheConditionOfTheirPlace) {
  auto field = std::make_shared<Mlp<double>>(MlpOptions{.dim = 1, .condition_dim = 1, .hidden = {}});
  Flow<double> one{Cnf<double>(field)};  // the condition moves the draws: dz/dt = c
  Vector<double> theta = Vector<double>::Zero(one.theta().size());
  for (const auto& p : one.parameters())
    if (p.name.ends_with("_condition.weight")) theta[p.offset] = 1;
  one.set_theta(theta);
  const auto flow = flow_mixture(std::vector<Flow<double>>{one, one}, equal(2));
  Matrix<double> c(1, 200);
  for (Index i = 0; i < 200; ++i) c(0, i) = 100.0 * static_cast<double>(i);
  const auto x = flow.sample(200, 1, {}, c).points;
  const Matrix<double> moved = one.push(Matrix<double>::Zero(1, 200), {}, c).points;
  EXPECT_LT((x - moved).cwiseAbs().maxCoeff(), 6);  // a standard normal about it
  EXPECT_GT(moved(0, 199), 1000);
}

// As checks and known answers use it: a base in the coordinates of the first member.
TEST(FlowMixture, AsABaseItIsTheSameDensity) {
  std::vector<Flow<double>> members{random_flow<double>(1, 2, 1), random_flow<double>(2, 2, 1)};
  for (auto& flow : members)
    flow.set_bounds(Bounds<double>(Vector<double>{{-3, -5}}, Vector<double>{{4, kInfinity}}, Vector<double>::Zero(2)));
  const auto flow = flow_mixture(members, equal(2), kFine.solver);
  const Matrix<double> x = Matrix<double>::Random(2, 10), c = Matrix<double>::Random(1, 10);
  RowVector<double> log_det = RowVector<double>::Zero(10);
  const Matrix<double> z = flow.standardized(x, &log_det), seen = flow.standardized_condition(c, 0, 10);
  const RowVector<double> log_p = flow.base->log_density(z, seen) + log_det;
  EXPECT_LT((log_p - flow.log_prob(x, c, kFine).log_prob).cwiseAbs().maxCoeff(), 1e-8);
  Matrix<double> z_bar(2, 10);
  Vector<double> none;
  flow.base->pullback(z, seen, 0.5, z_bar, none);
  constexpr double kStep = 1e-4;
  for (Index i = 0; i < 2; ++i) {
    Matrix<double> low = z, high = z;
    low.row(i).array() -= kStep, high.row(i).array() += kStep;
    const RowVector<double> difference =
        0.5 * (flow.base->log_density(high, seen) - flow.base->log_density(low, seen)) / (2 * kStep);
    EXPECT_LT((difference - z_bar.row(i)).cwiseAbs().maxCoeff(), 1e-5);  // step^2, and 1e-10 / step
  }
  const Matrix<double> base = flow.draw_base(4000, 1, 64, 0, c.replicate(1, 400));
  const Matrix<double> one = flow.push(base, {.density = false}, c.replicate(1, 400)).points;
  const Matrix<double> other = flow.sample(4000, 2, {.density = false}, c.replicate(1, 400)).points;
  for (Index i = 0; i < 2; ++i) {  // 6 standard errors of the difference of two means
    const double spread = std::sqrt((one.row(i).array() - one.row(i).mean()).square().mean());
    EXPECT_NEAR(one.row(i).mean(), other.row(i).mean(), 6 * spread * std::sqrt(2.0 / 4000)) << i;
  }
}

TEST(FlowMixture, ItsErrorBarCoversWhatThoseOfTheMembersCover) {
  const std::vector<Flow<double>> members{random_flow<double>(1), random_flow<double>(2)};
  const auto flow = flow_mixture(members, equal(2));
  const Matrix<double> x = 2 * Matrix<double>::Random(2, 100);
  const EvaluationOptions coarse{.solver = {.stepper = StepperKind::rk4, .steps = 2}};
  const auto covered = [&](const Flow<double>& f) -> Eigen::Array<bool, 1, Eigen::Dynamic> {
    const auto got = log_prob_with_error(f, x, kUnconditioned, coarse);
    return (got.log_prob - f.log_prob(x, kUnconditioned, kFine).log_prob).cwiseAbs().array() <= got.error.array();
  };
  const auto both = (covered(members[0]) && covered(members[1])).eval();
  EXPECT_GT(both.count(), 80);
  EXPECT_EQ((both && !covered(flow)).count(), 0);
  EXPECT_LT(log_prob_with_error(flow, x, kUnconditioned, coarse).error.maxCoeff(), 0.1);
  const auto exact = flow.log_prob(x, kUnconditioned, kFine).log_prob;
  const auto within = log_prob_within(1e-6, flow, nullptr, x, kUnconditioned, {.solver = {.rtol = 1e-3, .atol = 1e-3}});
  EXPECT_LE(within.error.maxCoeff(), 1e-6);
  EXPECT_LT((within.log_prob - exact).cwiseAbs().maxCoeff(), 1e-6);
}

TEST(FlowMixture, WhatIsNoMixtureOfFlowsIsRefused) {
  const auto two = random_flow<double>(1), three = random_flow<double>(1, 3), given = random_flow<double>(1, 2, 1);
  const auto made = [](std::vector<Flow<double>> members, Vector<double> weights) {
    return message([&] { (void)flow_mixture(std::move(members), weights); });
  };
  EXPECT_EQ(made({}, equal(0)), "members: empty; an ensemble has at least one flow");
  EXPECT_EQ(made({two, three}, equal(2)), "member 2: 3 columns and 0 conditions; the first member has 2 and 0");
  EXPECT_EQ(made({two, given}, equal(2)), "member 2: 2 columns and 1 conditions; the first member has 2 and 0");
  EXPECT_EQ(made({two, two}, equal(3)), "weights: 3 for 2 members");
  for (const double bad : {0.0, -1.0, std::nan(""), kInfinity})
    EXPECT_THAT(made({two, two}, Vector<double>{{1, bad}}), HasSubstr("must be finite and > 0"));
  EXPECT_EQ(made({two, flow_mixture(std::vector<Flow<double>>{two}, equal(1))}, equal(2)),
            "member 2: is an ensemble itself; expected one flow");
  // The periods of the first were once given to all.
  const Bounds<double> bounds(Vector<double>{{0, -90}}, Vector<double>{{kInfinity, 450}}, Vector<double>{{1e-3, 0}});
  auto bounded = two, periodic = two;
  bounded.set_bounds(bounds), periodic.set_bounds(bounds);
  periodic.set_periods(Periods(Vector<double>{{0, 0}}, Vector<double>{{0, 360}}, bounds));
  for (const auto& [first, second] : {std::pair(two, bounded), std::pair(bounded, two), std::pair(bounded, periodic),
                                      std::pair(periodic, bounded)})
    EXPECT_EQ(made({first, second}, equal(2)), "member 2: its bounds or periods differ from those of the first member");
}

TEST(FlowMixture, ItHasNoPathThroughTime) {
  const auto flow = flow_mixture(std::vector<Flow<double>>{random_flow<double>(1), random_flow<double>(2)}, equal(2));
  const Matrix<double> x = Matrix<double>::Zero(2, 1);
  EXPECT_EQ(flow.end_time(), 0);
  EXPECT_THAT(message([&] { (void)flow.log_prob_at(0.5, x); }),
              HasSubstr("time: the model is an ensemble of 2 flows, which have no common map from a base to the data"));
  EXPECT_THAT(message([&] { (void)flow.transform(x, 0, 1); }), HasSubstr("no common map"));
  EXPECT_THAT(message([&] { (void)flow.log_prob(Matrix<double>::Zero(3, 1)); }), HasSubstr("points have 3 columns"));
  EXPECT_THAT(message([&] { (void)flow.log_prob(Matrix<double>{{0, NAN}, {0, 0}}); }), HasSubstr("point 2, column 1"));
}

}  // namespace
}  // namespace pathline

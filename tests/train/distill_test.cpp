#include "pathline/train/distill.hpp"

#include <cmath>

#include <gmock/gmock.h>

#include "message.hpp"
#include "pathline/field/mlp.hpp"

namespace pathline {
namespace {

using testing::HasSubstr;

Flow<float> bent_flow(Index condition_dim = 0) {
  auto field = std::make_shared<Mlp<float>>(MlpOptions{.dim = 2, .condition_dim = condition_dim, .hidden = {16}});
  Engine engine = make_stream(1, "distill_test");
  field->initialize(engine);
  field->set_theta(3 * field->theta());  // so that the flow is far from the identity
  return Flow<float>(Cnf<float>(field));
}

DistillOptions few(Index iterations) {
  return {.iterations = iterations,
          .layers = 4,
          .coupling = {.hidden = {16, 16}, .box = 0},
          .pairs = 8000,
          .batch = 128,
          .learning_rate = 1e-2,
          .evaluation = {.solver = {.rtol = 1e-4, .atol = 1e-4}}};
}

TEST(Distill, GivesTheDensityOfTheFlowSlow) {
  const auto flow = bent_flow();
  const auto before = compare_distilled(flow, distill(flow, few(1)).flow, few(1), 2000);
  const auto got = distill(flow, few(500));
  EXPECT_EQ(got.iterations, 500);
  EXPECT_EQ(got.pairs, 8000);
  EXPECT_EQ(got.flow.end_time(), 0);
  const auto after = compare_distilled(flow, got.flow, few(500), 2000);
  EXPECT_LT(before.ess_to_original, 0.8);  // the map is not near the identity
  EXPECT_GT(after.ess_to_original, 0.98);
  EXPECT_GT(after.ess_to_distilled, 0.98);
  EXPECT_LT(after.mean_difference, 0.1);
  EXPECT_GE(after.largest_difference, after.mean_difference);
  EXPECT_NEAR(after.kl, 0, 0.02);
  EXPECT_GT(after.energy_p, 1e-3);  // one of 1,000 such tests is below
  EXPECT_LT(before.energy_p, 0.01);
}

// Both stages: the map alone brings the points to where the flow has them.
TEST(Distill, TheMapIsRegressed) {
  auto options = few(400);
  options.map_share = 0.95;
  const auto flow = bent_flow();
  const auto got = distill(flow, options);
  const Matrix<float> z = flow.draw_base(500, 99);
  const auto far = (flow.push(z).points - z.cast<double>()).norm();
  EXPECT_LT((flow.push(z).points - got.flow.push(z).points).norm(), 0.15 * far);
}

TEST(Distill, DoesNotDependOnTheThreads) {
  const auto flow = bent_flow();
  auto options = few(20);
  const Vector<double> one = distill(flow, options).flow.theta();
  options.evaluation.threads = 2;
  EXPECT_EQ(distill(flow, options).flow.theta(), one);
  options.seed = 1;
  EXPECT_NE(distill(flow, options).flow.theta(), one);
}

TEST(Distill, KeepsUnitsBoundsAndPeriods) {
  auto flow = bent_flow();
  flow.standardize(Vector<double>{{1, 2}}, Vector<double>{{0.5, 3}});
  flow.set_bounds(Bounds<double>(Vector<double>{{-1, 0}}, Vector<double>{{2, 10}}));
  flow.set_periods(Periods(Vector<double>{{0, 1}}, Vector<double>{{0, 5}}, *flow.bounds()));
  const auto got = distill(flow, few(300)).flow;
  EXPECT_EQ(got.scale(), flow.scale());
  ASSERT_TRUE(got.bounds() && got.periods());
  const auto drawn = got.sample(500, 3);
  EXPECT_TRUE((drawn.points.row(1).array() >= 1).all() && (drawn.points.row(1).array() < 6).all());
  EXPECT_TRUE((drawn.points.row(0).array() > -1).all() && (drawn.points.row(0).array() < 2).all());
  const auto after = compare_distilled(flow, got, few(300), 2000);
  EXPECT_GT(after.ess_to_original, 0.95);
}

TEST(Distill, CarriesTheConditionSlow) {
  auto flow = bent_flow(1);
  flow.condition_mean << 5, flow.condition_scale << 2;
  auto options = few(1500);
  options.condition_range = Matrix<double>{{1, 8}}, options.pairs = 40000;
  const auto got = distill(flow, options).flow;
  EXPECT_EQ(got.condition_dim(), 1);
  EXPECT_EQ(got.condition_mean, flow.condition_mean);
  const auto after = compare_distilled(flow, got, options, 2000);
  EXPECT_GT(after.ess_to_original, 0.97);
  // It does use the condition: what a change of it does to log p is the same, as a regression over many points says. At a
  // single point the two may differ by what the training leaves.
  const Index n = 500;
  const auto at = [&](double c) { return Matrix<double>(Matrix<double>::Constant(1, n, c)); };
  const Matrix<double> x = flow.sample(n, 1, {}, at(4.5)).points;
  const auto change = [&](const Flow<float>& f) {
    return RowVector<double>(f.log_prob(x, at(7)).log_prob - f.log_prob(x, at(2)).log_prob);
  };
  const RowVector<double> expected = change(flow);
  EXPECT_GT(expected.norm() / std::sqrt(n), 0.3);
  EXPECT_NEAR(change(got).dot(expected) / expected.squaredNorm(), 1, 0.15);
}

TEST(Distill, ManyColumnsGetMoreOfEverythingAndWhatIsGivenStays) {
  const auto few_columns = with_defaults({}, 3), many = with_defaults({}, 4);
  EXPECT_GT(few_columns.seconds, 0);
  EXPECT_GT(few_columns.learning_rate, 0);
  EXPECT_GT(many.seconds, few_columns.seconds);
  EXPECT_GT(many.layers, few_columns.layers);
  EXPECT_GT(many.pairs, few_columns.pairs);
  EXPECT_LT(with_defaults({}, 128).pairs * 128, 25'000'000);  // 200 MB for the two sides in float
  const auto given = with_defaults({.seconds = 7, .layers = 5, .pairs = 3000, .learning_rate = 1e-4}, 10);
  EXPECT_EQ(given.seconds, 7);
  EXPECT_EQ(given.layers, 5);
  EXPECT_EQ(given.pairs, 3000);
  EXPECT_EQ(given.learning_rate, 1e-4);
  auto options = few(2);
  options.layers = 0;
  EXPECT_EQ(distill(bent_flow(), options).flow.chain.size(), 8u);
}

TEST(Distill, RefusesWhatItCannotDo) {
  const auto flow = bent_flow();
  const auto refusal = [&](auto change) {
    auto options = few(1);
    change(options);
    return message([&] { (void)distill(flow, options); });
  };
  EXPECT_THAT(refusal([](auto& o) { o.pairs = 10; }), HasSubstr("pairs = 10: must be >= 1000"));
  EXPECT_THAT(refusal([](auto& o) { o.seconds = -1; }), HasSubstr("seconds = -1: must be >= 0"));
  EXPECT_THAT(refusal([](auto& o) { o.layers = -1; }), HasSubstr("layers = -1"));
  EXPECT_THAT(refusal([](auto& o) { o.map_share = 1; }), HasSubstr("map_share = 1"));
  EXPECT_THAT(refusal([](auto& o) { o.learning_rate = std::nan(""); }), HasSubstr("learning_rate = nan"));
  EXPECT_THAT(refusal([](auto& o) { o.coupling.bins = 1; }), HasSubstr("bins = 1"));
  const auto discrete = distill(flow, few(1)).flow;
  EXPECT_THAT(message([&] { (void)distill(discrete, few(1)); }), HasSubstr("solves no ODE"));
  auto box = bent_flow();
  Engine engine = make_stream(2, "distill_test");
  box.base = make_base(BaseKind::uniform, 2, 1, engine);
  EXPECT_THAT(message([&] { (void)distill(box, few(1)); }), HasSubstr("the base is uniform"));
}

}  // namespace
}  // namespace pathline

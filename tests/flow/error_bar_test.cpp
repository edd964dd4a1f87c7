#include "pathline/flow/error_bar.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include <gtest/gtest.h>

#include "message.hpp"
#include "pathline/checkpoint/model.hpp"
#include "pathline/transform/bounds.hpp"
#include "paths.hpp"

namespace pathline {
namespace {

std::string model(const std::string& name) { return source_dir() + "/models/" + name + ".h5"; }

// Draws of the model, the last fifth of which are moved out to ten standard deviations.
Matrix<double> near_and_far(const Flow<double>& flow, Index n) {
  Matrix<double> x = flow.sample(n, 7, {.density = false}).points;
  Engine engine = make_stream(5, "error_bar_test");
  for (Index b = 4 * n / 5; b < n; ++b) {
    Vector<double> to(flow.dim());
    for (auto& v : to) v = normal(engine);
    x.col(b) = flow.in_data_units(to.normalized() * uniform(engine, 0, 10));
  }
  return x;
}

double median(RowVector<double> v) {
  std::nth_element(v.begin(), v.begin() + v.size() / 2, v.end());
  return v[v.size() / 2];
}

// tools/bench/README.md has this for more points and models. Here 640, so that 99 % may be 98 by chance (2.5
// standard deviations).
class ErrorBar : public testing::TestWithParam<std::string> {};

TEST_P(ErrorBar, CoversNearAndFarPointsInFloatWithinTenTimesTheErrorSlow) {
  const auto single = read_model<float>(model(GetParam())).flow;
  const auto flow = read_model<double>(model(GetParam())).flow;
  const auto x = near_and_far(flow, 640);
  const EvaluationOptions options;
  const auto got = log_prob_with_error(single, x, Matrix<double>(0, 0), options);
  const auto plain = single.log_prob(x, Matrix<double>(0, 0), options);
  EXPECT_EQ(got.log_prob, plain.log_prob);
  EXPECT_LE(got.nfe, 2 * plain.nfe);
  const auto exact =
      flow.log_prob(x, Matrix<double>(0, 0), {.solver = {.rtol = 1e-11, .atol = 1e-11, .max_steps = 100000}}).log_prob;
  const RowVector<double> error = (got.log_prob - exact).cwiseAbs();
  EXPECT_GE((error.array() <= got.error.array()).count(), 627);
  EXPECT_LE(median(got.error), 10 * median(error));
}
INSTANTIATE_TEST_SUITE_P(Models, ErrorBar, testing::Values("8gaussians_small", "moons", "otflow_8gaussians"));

TEST(ErrorBarOfProbes, CoversTheExactTrace) {
  const auto flow = read_model<double>(model("8gaussians_small")).flow;
  const Matrix<double> x = flow.sample(320, 3, {.density = false}).points;
  const auto got = log_prob_with_error(flow, x, Matrix<double>(0, 0), {.trace = {.kind = TraceKind::hutchinson}});
  const RowVector<double> error = (got.log_prob - flow.log_prob(x).log_prob).cwiseAbs();
  EXPECT_GE((error.array() <= got.error.array()).count(), 307);  // 96 %: the spread is not the same for all points
}

TEST(ErrorBarWithin, BringsEveryBarDownAndChangesNoOtherPoint) {
  const auto single = read_model<float>(model("moons")).flow;
  const auto flow = read_model<double>(model("moons")).flow;
  const auto x = near_and_far(flow, 128);
  const Matrix<double> none(0, 0);
  const EvaluationOptions coarse{.solver = {.rtol = 1e-3, .atol = 1e-3}};
  const auto first = log_prob_with_error(single, x, none, coarse);
  const auto got = log_prob_within(1e-5, flow, &single, x, none, coarse);
  ASSERT_GT(first.error.maxCoeff(), 1e-5);
  EXPECT_LE(got.error.maxCoeff(), 1e-5);
  for (Index b = 0; b < x.cols(); ++b)
    if (first.error[b] <= 1e-5) EXPECT_EQ(got.log_prob[b], first.log_prob[b]) << b;
  const auto fixed = log_prob_within(1e-4, flow, &single, x, none, {.solver = {.steps = 2}});
  EXPECT_LE(fixed.error.maxCoeff(), 1e-4);
  EXPECT_EQ(message([&] { (void)log_prob_within(0, flow, &single, x); }), "max_error = 0: must be > 0");
}

TEST(ErrorBarWithin, SaysSoWhereNoToleranceIsEnough) {
  const auto flow = read_model<double>(model("8gaussians_small")).flow;
  const Matrix<double> x = flow.sample(3, 3).points;
  const auto got = log_prob_within(1e-300, flow, nullptr, x);
  EXPECT_GT(got.error.minCoeff(), 1e-300);
  EXPECT_LT(got.error.maxCoeff(), 1e-8);
}

TEST(ErrorBarOfABound, IsNothingWhereTheDensityIsZeroAndOfNoPoints) {
  auto flow = read_model<double>(model("posterior")).flow;
  flow.data_side.add(Bounds<double>(Vector<double>::Zero(1), Vector<double>::Ones(1)));
  const Matrix<double> x{{-1, 0.5}}, c{{0.1, 0.2}};
  const auto got = log_prob_with_error(flow, x, c);
  EXPECT_EQ(got.error[0], 0);
  EXPECT_GT(got.error[1], 0);
  EXPECT_EQ(log_prob_with_error(flow, Matrix<double>(1, 0), Matrix<double>(1, 0)).error.size(), 0);
}

}  // namespace
}  // namespace pathline

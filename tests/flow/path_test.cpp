// The equations along a path, against the density at intermediate times and its differences.
#include "pathline/flow/path.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "message.hpp"
#include "pathline/field/mlp.hpp"

namespace pathline {
namespace {

using ::testing::HasSubstr;

const SolverOptions kPathSolver{.rtol = 1e-11, .atol = 1e-11};
const EvaluationOptions kFinePath{.solver = kPathSolver, .tile = 4};
constexpr Index kSamples = 9;

// Two blocks of both clocks between batch norms, a condition, a base with parameters, and bounds behind them.
template <class S> Flow<S> path_flow() {
  Engine engine = make_stream(4, "path_test");
  std::vector<Cnf<S>> blocks;
  for (auto clock : {FieldClock::base_to_data, FieldClock::data_to_base}) {
    auto field = std::make_shared<Mlp<S>>(MlpOptions{.condition_dim = 1, .hidden = {8, 8}});
    field->initialize(engine);
    blocks.push_back({field, 0.6, clock});
  }
  std::vector<BatchNorm<S>> norms(3, BatchNorm<S>(2));
  norms[0].mean << 0.2, -0.1, norms[1].variance << 1.4, 0.7, norms[2].log_weight << 0.3, -0.2;
  Flow<S> flow(std::move(blocks), std::move(norms));
  flow.base = make_base(BaseKind::mixture, 2, 3, engine);
  flow.condition_mean << 0.3, flow.condition_scale << 1.6;
  flow.standardize(Vector<double>{{5, -3}}, Vector<double>{{2.5, 0.4}});
  return flow;
}

Matrix<double> conditions() {
  Engine engine = make_stream(5, "path_test");
  Matrix<double> c(1, kSamples);
  fill_normal<double>(engine, c);
  return c;
}

// Inside both blocks, between them, and both ends.
const std::vector<double> kTimes = {0, 0.25, 0.6, 0.9, 1.2};

TEST(Path, LogDensityIsThatOfTheDensityOnTheWay) {
  for (const bool adjoint : {false, true}) {
    const auto flow = path_flow<double>();
    const auto c = conditions();
    const auto paths = follow_paths(flow, flow.draw_base(kSamples, 1), kTimes, adjoint, kFinePath, c);
    ASSERT_EQ(paths.points.size(), kTimes.size());
    for (std::size_t k = 0; k < kTimes.size(); ++k) {
      const auto expected = flow.log_prob_at(kTimes[k], paths.points[k], c, kFinePath).log_prob;
      const double error = (paths.log_prob.row(static_cast<Index>(k)) - expected).cwiseAbs().maxCoeff();
      EXPECT_LT(error, 1e-8) << kTimes[k];  // two solves at 1e-11 over some tens of steps
    }
  }
}

TEST(Path, PointsAreThoseOfTheTrajectory) {
  const auto flow = path_flow<double>();
  const auto c = conditions();
  const Matrix<double> z0 = flow.draw_base(kSamples, 1);
  std::vector<Matrix<double>> along;
  flow.trajectory(z0, kTimes, along, kFinePath, c);
  const auto paths = follow_paths(flow, z0, kTimes, false, kFinePath, c);
  for (std::size_t k = 0; k < kTimes.size(); ++k)
    EXPECT_LT((paths.points[k] - along[k]).cwiseAbs().maxCoeff(), 1e-6) << k;  // the dense output has order 4
}

TEST(Path, AdjointIsTheScoreOfTheDensityOnTheWay) {
  auto flow = path_flow<double>();
  flow.set_logit(0.05);
  flow.standardize(Vector<double>{{0.1, -0.2}}, Vector<double>{{1.5, 0.8}});
  const auto c = conditions();
  const auto paths = follow_paths(flow, flow.draw_base(kSamples, 2), kTimes, true, kFinePath, c);
  ASSERT_EQ(paths.adjoint.size(), kTimes.size());
  const double h = 1e-5;
  for (std::size_t k = 0; k < kTimes.size(); ++k)
    for (Index i = 0; i < 2; ++i) {
      Matrix<double> above = paths.points[k], below = above;
      above.row(i).array() += h, below.row(i).array() -= h;
      const RowVector<double> difference = (flow.log_prob_at(kTimes[k], above, c, kFinePath).log_prob -
                                            flow.log_prob_at(kTimes[k], below, c, kFinePath).log_prob) /
                                           (2 * h);
      for (Index b = 0; b < kSamples; ++b)  // h^2 times the third derivative, which the logit makes large
        EXPECT_NEAR(paths.adjoint[k](i, b), difference[b], 1e-5 * (1 + std::abs(difference[b]))) << k << " " << b;
    }
  const auto score = flow.score(paths.points.back(), c, {.solver = kPathSolver}).score;
  EXPECT_LT((paths.adjoint.back() - score).norm() / score.norm(), 1e-7);
}

// On an affine map to the data's units l(t) differs from that of the field's coordinates by a constant.
TEST(Path, TraceIsMinusTheRateOfTheLogDensity) {
  const auto flow = path_flow<double>();
  const auto c = conditions();
  const Matrix<double> z0 = flow.draw_base(kSamples, 3);
  const double h = 1e-4;
  for (const double t : {0.25, 0.9}) {
    const auto paths = follow_paths(flow, z0, {t - h, t, t + h}, false, kFinePath, c);
    const RowVector<double> rate = (paths.log_prob.row(2) - paths.log_prob.row(0)) / (2 * h);
    EXPECT_LT((paths.trace.row(1) + rate).cwiseAbs().maxCoeff(), 1e-5) << t;  // h^2 and 1e-11 / h
    EXPECT_GT(rate.cwiseAbs().maxCoeff(), 0.01);
  }
  const auto ends = follow_paths(flow, z0, {0, h, 1.2 - h, 1.2}, false, kFinePath, c);
  EXPECT_TRUE(ends.trace.allFinite());
  EXPECT_LT((ends.trace.row(0) - ends.trace.row(1)).cwiseAbs().maxCoeff(), 0.01);
  EXPECT_LT((ends.trace.row(2) - ends.trace.row(3)).cwiseAbs().maxCoeff(), 0.01);
}

TEST(Path, DoesNotDependOnThreadsAndFloatIsClose) {
  const auto flow = path_flow<double>();
  const auto c = conditions();
  const Matrix<double> z0 = flow.draw_base(kSamples, 1);
  auto three = kFinePath;
  three.threads = 3;
  const auto a = follow_paths(flow, z0, kTimes, true, kFinePath, c), b = follow_paths(flow, z0, kTimes, true, three, c);
  EXPECT_EQ(a.log_prob, b.log_prob);
  EXPECT_EQ(a.adjoint.back(), b.adjoint.back());
  const auto single = follow_paths<float>(path_flow<float>(), z0.cast<float>(), kTimes, true,
                                          {.solver = {.rtol = 1e-5, .atol = 1e-5}, .tile = 4}, c);
  EXPECT_LT((single.log_prob - a.log_prob).cwiseAbs().maxCoeff(), 2e-3);  // the tolerance, over tens of steps
}

TEST(Path, VelocityIsTheRateOfThePoints) {
  const auto flow = path_flow<double>();
  const auto c = conditions();
  const Matrix<double> x = flow.in_data_units(flow.draw_base(kSamples, 1));
  const double h = 1e-4;
  auto fine = kFinePath;
  fine.density = false;
  for (const double t : {0.3, 0.8}) {
    const Matrix<double> rate =
        (flow.transform(x, t, t + h, c, fine).points - flow.transform(x, t, t - h, c, fine).points) / (2 * h);
    const auto velocity = velocity_at(flow, t, x, c);
    EXPECT_LT((velocity - rate).norm() / rate.norm(), 1e-6) << t;  // h^2 of the path's third derivative
  }
  // At the ends the norms outside of the blocks act, too: the velocity goes on continuously but for them.
  EXPECT_TRUE(velocity_at(flow, 0, x, c).allFinite());
  EXPECT_TRUE(velocity_at(flow, 1.2, x, c).allFinite());
  // At the data, behind the last norm, by points that end there.
  const Matrix<double> z0 = flow.draw_base(kSamples, 6);
  const auto paths = follow_paths(flow, z0, {1.2 - h, 1.2}, false, kFinePath, c);
  const Matrix<double> end = velocity_at(flow, 1.2, paths.points[1], c);
  const auto& norm = *flow.norms().back();
  const Matrix<double> before = velocity_at(flow, 1.2 - h, paths.points[0], c);
  const Vector<double> scale = (end.array() / before.array()).rowwise().mean();
  Vector<double> expected(2);
  for (Index i = 0; i < 2; ++i) expected[i] = std::exp(-norm.log_weight[i]) * std::sqrt(norm.variance[i] + 1e-4);
  EXPECT_LT((scale - expected).cwiseAbs().maxCoeff(), 0.05);  // h times the rate of the velocity
}

TEST(Path, FaultsAreNamed) {
  const auto flow = path_flow<double>();
  const auto c = conditions();
  const Matrix<double> z0 = flow.draw_base(kSamples, 1);
  auto says = [&](const Matrix<double>& z, std::vector<double> times) {
    return message([&] { (void)follow_paths(flow, z, times, false, kFinePath, c); });
  };
  EXPECT_THAT(says(z0, {0, 1.3}), HasSubstr("time = 1.3: must be in [0, 1.2"));
  EXPECT_THAT(says(z0, {0.5, 0.5}), HasSubstr("time = 0.5: must be > 0.5"));
  EXPECT_THAT(says(z0, {std::nan("")}), HasSubstr("time = nan"));
  EXPECT_THAT(says(Matrix<double>::Zero(3, kSamples), {0}), HasSubstr("z0: 3 x 9"));
  EXPECT_THAT(message([&] { (void)velocity_at(flow, -1, z0, c); }), HasSubstr("time = -1"));
}

}  // namespace
}  // namespace pathline

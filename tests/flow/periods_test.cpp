#include "pathline/flow/periods.hpp"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "message.hpp"
#include "pathline/field/mlp.hpp"
#include "pathline/flow/flow.hpp"

namespace pathline {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
const Matrix<double> kUnconditioned(0, 0);

// An angle in degrees, a free column, an hour: unfolded in (-90, 450) and (6, 42).
Bounds<double> bounds() {
  return Bounds<double>(Vector<double>{{-90, -kInfinity, 6}}, Vector<double>{{450, kInfinity, 42}});
}
Periods periods() { return {Vector<double>{{0, 0, 0}}, Vector<double>{{360, 0, 24}}, bounds()}; }

Flow<double> random_flow(Index condition_dim = 0) {
  auto field = std::make_shared<Mlp<double>>(MlpOptions{.dim = 3, .condition_dim = condition_dim, .hidden = {6, 5}});
  Engine engine = make_stream(1, "periods_test");
  field->initialize(engine);
  Flow<double> flow{Cnf<double>(field)};
  flow.standardize(Vector<double>{{0.2, 1, -0.3}}, Vector<double>{{0.7, 2, 0.8}});
  flow.set_bounds(bounds());
  flow.set_periods(periods());
  return flow;
}

TEST(Periods, FoldAndListEveryImageOnce) {
  const auto p = periods();
  Matrix<double> x(3, 3);
  x << 370, 180, -1e-20, 1, 2, 3, 25, 12, -0.5;
  Matrix<double> folded = x;
  p.fold(folded);
  Matrix<double> expected(3, 3);
  expected << 10, 180, 0, 1, 2, 3, 1, 12, 23.5;
  EXPECT_EQ(folded, expected);

  // 10 has an image at 370; 180 none; 0 one at 360. 1 o'clock is 25 alone; 12 is 12 and 36; 23.5 is itself alone.
  std::vector<std::vector<double>> found(3);
  for (const auto& image : p.images(x))
    for (std::size_t k = 0; k < image.points.size(); ++k) {
      const auto column = image.x.col(static_cast<Index>(k));
      EXPECT_TRUE(bounds().contains(column)[0]) << column.transpose();
      found[static_cast<std::size_t>(image.points[k])].push_back(column(0) + 1000 * column(2));
    }
  const std::vector<std::vector<double>> images = {{25010, 25370}, {12180, 36180}, {23500, 23860}};
  for (std::size_t b = 0; b < 3; ++b) {
    std::sort(found[b].begin(), found[b].end());
    EXPECT_EQ(found[b], images[b]) << b;
  }
}

TEST(Periods, UnfoldTakesEachImageWithProbabilitiesThatAddUpToOne) {
  const auto p = periods();
  for (const double angle : {10.0, 80.0, 100.0, 180.0, 275.0, 350.0}) {
    Index first = 0;
    constexpr Index kDraws = 10000;
    Matrix<double> x(3, kDraws), u(3, kDraws);
    x.row(0).setConstant(angle), x.bottomRows(2).setConstant(12);
    for (Index b = 0; b < kDraws; ++b) u.col(b).setConstant((static_cast<double>(b) + 0.5) / kDraws);
    p.unfold(x, u);
    for (const double v : x.row(0)) {
      EXPECT_NEAR(std::remainder(v - angle, 360), 0, 1e-9);
      first += v < 180;
    }
    const double above = (angle + 90) / 360;  // of the image in (-90, 270), in periods above the lower bound
    const double expected = angle < 90    ? std::pow(std::sin(M_PI * above), 2)
                            : angle < 270 ? (angle < 180 ? 1 : 0)
                                          : std::pow(std::sin(M_PI * (above - 1)), 2);
    EXPECT_NEAR(static_cast<double>(first) / kDraws, expected, 1e-3) << angle;
  }
}

TEST(Periods, TheWrappedDensityRepeatsAndIsContinuousAtEverySeam) {
  const auto flow = random_flow();
  const EvaluationOptions fine{.solver = {.rtol = 1e-10, .atol = 1e-10}};
  Matrix<double> x(3, 4);
  x << 10, -90, 270, 200, 0.5, 1, 2, 3, 12, 1, 18, 6;
  const auto log_p = flow.log_prob(x, kUnconditioned, fine).log_prob;
  EXPECT_TRUE(log_p.allFinite());
  for (const double turns : {-2.0, 1.0, 3.0}) {
    Matrix<double> moved = x;
    moved.row(0).array() += 360 * turns, moved.row(2).array() -= 24 * turns;
    EXPECT_LT((flow.log_prob(moved, kUnconditioned, fine).log_prob - log_p).cwiseAbs().maxCoeff(), 1e-9) << turns;
  }
  // Where an image comes and goes, at a bound of the unfolded column, its density is 0.
  for (const double seam : {-90.0, 90.0, 270.0, 0.0, 360.0}) {
    Matrix<double> both(3, 2);
    both << seam - 1e-6, seam + 1e-6, 0.5, 0.5, 12, 12;
    const auto l = flow.log_prob(both, kUnconditioned, fine).log_prob;
    EXPECT_NEAR(l[0], l[1], 1e-6) << seam;
  }
}

// The mean of the images' gradients by their densities, against differences; and the condition of each image is its
// own.
TEST(Periods, TheScoreIsTheGradientOfTheWrappedDensity) {
  const auto flow = random_flow(1);
  const EvaluationOptions fine{.solver = {.rtol = 1e-11, .atol = 1e-11}};
  Matrix<double> x(3, 4), c(1, 4);
  x << 10, 300, 180, 60, 0.5, 1, 2, 3, 12, 1, 18, 14, c << 0.5, -1, 2, 0;
  const auto got = flow.score(x, c, {.solver = fine.solver});
  EXPECT_LT((got.log_prob - flow.log_prob(x, c, fine).log_prob).cwiseAbs().maxCoeff(), 1e-9);
  const double h = 1e-4;
  for (Index i = 0; i < 3; ++i) {
    Matrix<double> above = x, below = x;
    above.row(i).array() += h, below.row(i).array() -= h;
    const RowVector<double> slope =
        (flow.log_prob(above, c, fine).log_prob - flow.log_prob(below, c, fine).log_prob) / (2 * h);
    EXPECT_LT((got.score.row(i) - slope).cwiseAbs().maxCoeff(), 1e-5) << i;
  }
  for (Index b = 0; b < 4; ++b) EXPECT_NEAR(flow.log_prob(x.col(b), c.col(b), fine).log_prob[0], got.log_prob[b], 1e-9);
}

TEST(Periods, SamplesLieInOnePeriodAndBringTheirWrappedDensity) {
  const auto flow = random_flow();
  const auto drawn = flow.sample(300, 5);
  EXPECT_GE(drawn.points.row(0).minCoeff(), 0);
  EXPECT_LT(drawn.points.row(0).maxCoeff(), 360);
  EXPECT_GE(drawn.points.row(2).minCoeff(), 0);
  EXPECT_LT(drawn.points.row(2).maxCoeff(), 24);
  EXPECT_EQ(drawn.log_prob, flow.log_prob(drawn.points).log_prob);
  const auto points_alone = flow.sample(300, 5, {.density = false});
  EXPECT_TRUE(points_alone.log_prob.array().isNaN().all());
  EXPECT_EQ(points_alone.points, drawn.points);
}

TEST(Periods, WhatCannotBeWrappedIsRefused) {
  const auto refused = [](double start, double length, double low, double high) {
    return message([&] {
      Periods(Vector<double>{{start}}, Vector<double>{{length}},
              Bounds<double>(Vector<double>{{low}}, Vector<double>{{high}}));
    });
  };
  EXPECT_EQ(refused(0, 1, 0, 1.5), "no error");
  EXPECT_EQ(refused(0, 1, 0, 2.5),
            "period of column 1: 1: its bounds must be between one and two periods apart, not 2.5");
  EXPECT_EQ(refused(0, 1, 0, kInfinity),
            "period of column 1: 1: its bounds must be between one and two periods apart, not inf");
  EXPECT_EQ(refused(0, -1, 0, 1.5), "period of column 1: -1 from 0: must be finite and >= 0");
  EXPECT_EQ(refused(std::nan(""), 1, 0, 1.5), "period of column 1: 1 from nan: must be finite and >= 0");
}

}  // namespace
}  // namespace pathline

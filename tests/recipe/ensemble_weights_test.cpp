#include "recipe/ensemble_weights.hpp"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "pathline/core/random.hpp"

namespace pathline {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// log-densities of N(0, 1) and N(4, 1) at draws of 0.8 N(0, 1) + 0.2 N(4, 1).
Matrix<double> of_two(Index rows) {
  Engine engine = make_stream(1, "test.ensemble_weights");
  Matrix<double> out(2, rows);
  for (Index n = 0; n < rows; ++n) {
    const double x = (uniform(engine) < 0.8 ? 0 : 4) + normal(engine);
    out(0, n) = -x * x / 2, out(1, n) = -(x - 4) * (x - 4) / 2;
  }
  return out;
}

TEST(EnsembleWeights, AreThoseOfTheMixtureThatDrewTheRows) {
  const auto w = ensemble_weights(of_two(20000), {});
  EXPECT_NEAR(w[0], 0.8, 4 * std::sqrt(0.8 * 0.2 / 20000));
  EXPECT_NEAR(w.sum(), 1, 1e-12);
}

TEST(EnsembleWeights, MaximizeTheLogDensity) {
  const Matrix<double> log_p = of_two(500);
  const auto w = ensemble_weights(log_p, {});
  const auto value = [&](double first) {
    return log_of_mean(log_p, Eigen::Vector2d(first, 1 - first)).sum() + std::log(first) + std::log(1 - first);
  };
  EXPECT_GT(value(w[0]), value(w[0] + 0.01));
  EXPECT_GT(value(w[0]), value(w[0] - 0.01));
}

TEST(EnsembleWeights, ObeyTheWeightsOfTheRowsInAnyUnit) {
  const Matrix<double> log_p = of_two(200);
  const RowVector<double> second = (log_p.row(1).array() > log_p.row(0).array()).cast<double>();
  EXPECT_LT(ensemble_weights(log_p, {})[1], 0.3);
  EXPECT_GT(ensemble_weights(log_p, second)[1], 0.9);
  EXPECT_LT((ensemble_weights(log_p, 1e-9 * second) - ensemble_weights(log_p, second)).cwiseAbs().maxCoeff(), 1e-9);
}

TEST(EnsembleWeights, AMemberWithoutADensityKeepsAPositiveWeight) {
  Matrix<double> log_p = of_two(200);
  log_p.row(1).setConstant(-kInfinity);
  log_p(0, 3) = -kInfinity;  // where no member has one
  const auto w = ensemble_weights(log_p, {});
  EXPECT_TRUE(w.allFinite());
  EXPECT_GT(w[1], 0);
  EXPECT_LT(w[1], 0.01);
  EXPECT_EQ(log_of_mean(log_p, w)[3], -kInfinity);
}

TEST(EnsembleWeights, OfNoRowsAreEven) {
  EXPECT_EQ(ensemble_weights(Matrix<double>(4, 0), {}), Vector<double>(Vector<double>::Constant(4, 0.25)));
}

}  // namespace
}  // namespace pathline

#include "train/dependence.hpp"

#include <cmath>

#include <gtest/gtest.h>

#include "pathline/core/random.hpp"

namespace pathline {
namespace {

Matrix<double> independent_draws(Index rows, Index cols) {
  Engine engine = make_stream(1, "dependence_test");
  Matrix<double> x(rows, cols);
  fill_normal<double>(engine, x);
  return x;
}

// Columns 1 and 3 depend on those before them; 0 and 2 stay as they are.
TEST(Dependence, OfNearlyCollinearColumnsLeavesTheDifferenceStandardized) {
  Matrix<double> x = independent_draws(4, 500);
  const Matrix<double> rest = x;
  x.row(1) = x.row(0) + 1e-8 * rest.row(1);
  x.row(3) = 0.6 * x.row(0) - 0.8 * x.row(2) + 1e-4 * rest.row(3);
  std::vector<Dependence> found;
  const Matrix<double> lower = dependences(x, found);
  ASSERT_EQ(found.size(), 2);
  EXPECT_EQ(found[0].column, 1);
  EXPECT_EQ(found[1].column, 3);
  EXPECT_NEAR(found[0].width / 1e-8, 1, 0.1);  // of 500 independent_draws
  EXPECT_NEAR(found[1].width / 1e-4, 1, 0.1);
  const Matrix<double> z = lower.triangularView<Eigen::Lower>().solve(x);
  EXPECT_EQ(z.row(0), x.row(0));
  EXPECT_EQ(z.row(2), x.row(2));
  for (const Index i : {1, 3}) EXPECT_NEAR(z.row(i).squaredNorm() / 500, 1, 1e-6);
}

TEST(Dependence, OfOrdinaryColumnsIsNoneBitForBit) {
  std::vector<Dependence> found;
  for (const auto& x :
       {independent_draws(3, 100), independent_draws(1, 100), independent_draws(5, 9), independent_draws(4, 0)})
    EXPECT_EQ(dependences(x, found), Matrix<double>(Matrix<double>::Identity(x.rows(), x.rows())));
  EXPECT_TRUE(found.empty());
}

}  // namespace
}  // namespace pathline

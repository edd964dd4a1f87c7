#include "fit/expectation.hpp"

#include <cmath>

#include <gtest/gtest.h>

#include "fit/clusters.hpp"

namespace pathline {
namespace {

constexpr Index kRows = 3000;

// Rows in order along a curve, so that those of a block lie together.
Matrix<double> curve(std::uint64_t seed) {
  Engine engine = make_stream(seed, "test.expectation");
  Matrix<double> x(2, kRows);
  fill_normal<double>(engine, x);
  for (Index b = 0; b < kRows; ++b) {
    const double t = 20 * static_cast<double>(b) / kRows;
    x.col(b) = 0.1 * x.col(b) + Vector<double>{{t, std::sin(t)}};
  }
  return x;
}

GaussianMixture along_the_curve(Index k) {
  Matrix<double> means(2, k);
  for (Index j = 0; j < k; ++j) {
    const double t = 20 * (static_cast<double>(j) + 0.5) / static_cast<double>(k);
    means.col(j) << t, std::sin(t);
  }
  Matrix<double> scale = Matrix<double>::Identity(2, 2) * 0.2;
  scale(1, 0) = 0.05;
  return {Vector<double>::Constant(k, 1 / static_cast<double>(k)), means,
          std::vector<Matrix<double>>(static_cast<std::size_t>(k), scale)};
}

// Row by row from the responsibilities.
Moments expected_moments(const GaussianMixture& mixture, const MixtureRows& data) {
  Moments out{Matrix<double>::Zero(6, mixture.components()), 0};
  const Matrix<double> share = mixture.responsibilities(data.rows());
  const RowVector<double> log_density = mixture.log_density(data.rows());
  for (Index b = 0; b < data.size(); ++b) {
    const double x = data.rows()(0, b), y = data.rows()(1, b), w = data.weights()[b];
    const Vector<double> phi{{1, x, y, x * x, x * y, y * y}};
    out.sums += w * phi * share.col(b).transpose();
    out.log_density += w * log_density[b];
  }
  return out;
}

class Expectations : public testing::TestWithParam<Index> {};

TEST_P(Expectations, AreTheMomentsOfTheResponsibilities) {
  Vector<double> weights = Vector<double>::LinSpaced(kRows, 0, 2);
  const MixtureRows data(curve(1), weights, 2);
  const auto mixture = along_the_curve(GetParam());
  const auto expected = expected_moments(mixture, data);
  Expectation expect(data);
  for (int step = 0; step < 10; ++step) {  // of all components, and of the near ones
    const Moments got = expect(mixture);
    ASSERT_EQ(got.sums.cols(), GetParam());
    // What is left out of a row is below 1e-5 for each component; its features are at most 400.
    const double tolerance = GetParam() > Expectation::kAllComponents ? 1e-5 * kRows : 1e-12 * kRows;
    EXPECT_LT((got.sums - expected.sums).row(0).cwiseAbs().maxCoeff(), tolerance);
    EXPECT_LT((got.sums - expected.sums).cwiseAbs().maxCoeff(), 400 * tolerance);
    EXPECT_NEAR(got.log_density, expected.log_density, tolerance * static_cast<double>(GetParam()));
    EXPECT_LE(got.log_density, expected.log_density + 1e-8);
    EXPECT_NEAR(got.sums.row(0).sum(), weights.sum(), 1e-8);
  }
}

INSTANTIATE_TEST_SUITE_P(OfComponents, Expectations, testing::Values(1, 5, 32, 200));

// The lists of near components are of one number of components.
TEST(Expectation, LooksAtAllComponentsWhenTheirNumberChanges) {
  const MixtureRows data(curve(2), Vector<double>(), 1);
  Expectation expect(data);
  (void)expect(along_the_curve(100));
  const auto fewer = along_the_curve(60);
  const auto expected = expected_moments(fewer, data);
  EXPECT_LT((expect(fewer).sums - expected.sums).row(0).cwiseAbs().maxCoeff(), 1e-5 * kRows);
}

TEST(Clusters, AreOfRowsThatLieTogether) {
  const MixtureRows data(curve(3), Vector<double>(), 1);
  Engine engine = make_stream(1, "test.clusters");
  const auto clusters = find_clusters(data, Vector<double>::Ones(2), 40, engine);
  ASSERT_EQ(clusters.count, 40);
  // Clusters are half a unit long; a row two units further along the curve is in another one.
  for (Index b = 0; b + 300 < kRows; ++b)
    EXPECT_NE(clusters.nearest[static_cast<std::size_t>(b)], clusters.nearest[static_cast<std::size_t>(b + 300)]);
}

TEST(Clusters, AreNoMoreThanDistinctRows) {
  const Matrix<double> rows = Matrix<double>{{0, 1, 7}}.replicate(1, 50);
  const MixtureRows data(rows, Vector<double>(), 1);
  Engine engine = make_stream(1, "test.clusters");
  const auto clusters = find_clusters(data, Vector<double>::Ones(1), 10, engine);
  EXPECT_EQ(clusters.count, 3);
  EXPECT_NE(clusters.nearest[0], clusters.nearest[1]);
  EXPECT_NE(clusters.nearest[1], clusters.nearest[2]);
  EXPECT_EQ(clusters.nearest[0], clusters.nearest[3]);
}

}  // namespace
}  // namespace pathline

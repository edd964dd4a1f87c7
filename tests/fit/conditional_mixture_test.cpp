#include "pathline/fit/conditional_mixture.hpp"

#include <cmath>

#include <Eigen/LU>
#include <gmock/gmock.h>

#include "pathline/core/error.hpp"

namespace pathline {
namespace {

// Three components over (c1, c2, x1, x2).
GaussianMixture joint() {
  Engine engine = make_stream(2, "test.conditional_mixture");
  Matrix<double> means(4, 3);
  fill_normal<double>(engine, means);
  std::vector<Matrix<double>> scales;
  for (int k = 0; k < 3; ++k) {
    Matrix<double> l(4, 4);
    fill_normal<double>(engine, l);
    scales.push_back(Matrix<double>(l.triangularView<Eigen::StrictlyLower>()) +
                     Matrix<double>(Vector<double>{{0.6, 0.9, 0.4, 0.7}}.asDiagonal()));
  }
  return GaussianMixture(Vector<double>{{0.5, 0.3, 0.2}}, means, scales);
}

struct Points {
  Matrix<double> x, c;
  explicit Points(Index n, std::uint64_t seed = 3) : x(2, n), c(2, n) {
    Engine engine = make_stream(seed, "test.conditional_mixture");
    fill_normal<double>(engine, x), fill_normal<double>(engine, c);
  }
};

// The textbook's formula with covariances (Bishop 2006, eqs. 2.81 and 2.82).
TEST(ConditionalMixture, IsTheMixtureOfTheConditionalGaussians) {
  const auto mixture = joint();
  const Points at(20);
  const auto got = ConditionalMixture(mixture, 2).log_density(at.x, at.c);
  for (Index b = 0; b < 20; ++b) {
    double above = 0, below = 0;
    for (Index k = 0; k < 3; ++k) {
      const Matrix<double> s = mixture.scale(k) * mixture.scale(k).transpose();
      const Matrix<double> inverse = s.topLeftCorner(2, 2).inverse();
      const Vector<double> off = at.c.col(b) - mixture.means().col(k).head(2);
      const Vector<double> mean = mixture.means().col(k).tail(2) + s.bottomLeftCorner(2, 2) * inverse * off;
      const Matrix<double> left = s.bottomRightCorner(2, 2) - s.bottomLeftCorner(2, 2) * inverse * s.topRightCorner(2, 2);
      const Vector<double> rest = at.x.col(b) - mean;
      const double weight = mixture.weights()[k] * std::exp(-0.5 * off.dot(inverse * off)) *
                            std::sqrt(inverse.determinant());
      below += weight;
      above += weight * std::exp(-0.5 * rest.dot(left.inverse() * rest)) / (2 * M_PI * std::sqrt(left.determinant()));
    }
    EXPECT_NEAR(got[b], std::log(above / below), 1e-10);
  }
}

TEST(ConditionalMixture, IsNormalizedAndDrawsWhatItsDensitySays) {
  const ConditionalMixture mixture(joint(), 2);
  const Index n = 200;
  const double low = -12, h = 24.0 / static_cast<double>(n);
  for (const double where : {-1.0, 0.3, 2.5}) {
    const Vector<double> condition{{where, 0.5 * where}};
    Matrix<double> grid(2, n * n);
    for (Index i = 0; i < n; ++i)
      for (Index j = 0; j < n; ++j)
        grid.col(i * n + j) << low + (static_cast<double>(i) + 0.5) * h, low + (static_cast<double>(j) + 0.5) * h;
    const RowVector<double> p = mixture.log_density(grid, condition.replicate(1, n * n)).array().exp();
    EXPECT_NEAR(p.sum() * h * h, 1, 1e-6);
    Matrix<double> x(2, 40000);
    Engine engine = make_stream(4, "test.conditional_mixture");
    mixture.sample(engine, condition.replicate(1, 40000), x);
    for (Index i = 0; i < 2; ++i) {
      const double mean = (grid.row(i).array() * p.array()).sum() * h * h;
      const double square = (grid.row(i).array().square() * p.array()).sum() * h * h;
      const double error = std::sqrt((square - mean * mean) / 40000);
      EXPECT_NEAR(x.row(i).mean(), mean, 4 * error) << where;  // four standard errors
      EXPECT_NEAR(x.row(i).squaredNorm() / 40000, square, 0.05 * square) << where;
    }
  }
}

TEST(ConditionalMixture, ItsScoreIsTheDerivative) {
  const ConditionalMixture mixture(joint(), 2);
  const Points at(5);
  Matrix<double> of_x(2, 5), of_c(2, 5);
  mixture.score(at.x, at.c, of_x, of_c);
  constexpr double kStep = 1e-5;
  for (Index i = 0; i < 2; ++i) {
    Matrix<double> step = Matrix<double>::Zero(2, 5);
    step.row(i).setConstant(kStep);
    const RowVector<double> by_x =
        (mixture.log_density(at.x + step, at.c) - mixture.log_density(at.x - step, at.c)) / (2 * kStep);
    const RowVector<double> by_c =
        (mixture.log_density(at.x, at.c + step) - mixture.log_density(at.x, at.c - step)) / (2 * kStep);
    EXPECT_LT((by_x - of_x.row(i)).cwiseAbs().maxCoeff(), 1e-7);  // the square of the step, and rounding over it
    EXPECT_LT((by_c - of_c.row(i)).cwiseAbs().maxCoeff(), 1e-7);
  }
}

TEST(ConditionalMixture, WithoutAConditionIsTheMixtureItself) {
  const auto mixture = joint();
  const ConditionalMixture same(mixture);
  Matrix<double> x(4, 6);
  Engine engine = make_stream(5, "test.conditional_mixture");
  fill_normal<double>(engine, x);
  EXPECT_EQ(same.log_density(x, Matrix<double>(0, 6)), mixture.log_density(x));
  EXPECT_EQ(same.marginal(), nullptr);
  EXPECT_THROW(ConditionalMixture(mixture, 4), InputError);
  EXPECT_THROW(ConditionalMixture(mixture, -1), InputError);
}

// No difference of two infinities.
TEST(ConditionalMixture, HasNoDensityUnderAConditionThatNoComponentReaches) {
  const ConditionalMixture mixture(joint(), 2);
  const Matrix<double> far = Matrix<double>::Constant(2, 1, 1e200), near = Matrix<double>::Zero(2, 1);
  EXPECT_EQ(mixture.log_density(near, far)[0], -INFINITY);
  EXPECT_TRUE(std::isfinite(mixture.log_density(near, 1e4 * Matrix<double>::Ones(2, 1))[0]));
}

}  // namespace
}  // namespace pathline

// Checks of the density as it is evaluated by default: its accuracy, its tails, its base.
#include <algorithm>
#include <cmath>
#include <numbers>

#include <fmt/format.h>
#include <boost/math/distributions/normal.hpp>

#include "pathline/verify/check.hpp"
#include "verify/subject.hpp"

namespace pathline {

Check check_answers(const Subject& s) {
  constexpr double kBound = 1e-6;  // a thousand times the tolerance of the solves
  constexpr Index kMost = 1000;    // bounds the work for a file of unknown origin
  if (!s.answers || s.answers->points.cols() == 0)
    return skipped("the file has none, as of an older pathline; `pathline reseal` adds them to a model that you trust");
  const auto& a = *s.answers;
  if (a.points.cols() > kMost || a.points.rows() != s.flow.dim() || a.condition.rows() != s.flow.condition_dim() ||
      a.log_density.size() != a.points.cols() || a.condition.rows() * (a.condition.cols() - a.points.cols()) != 0)
    return at_most(std::nan(""), kBound, "the points in the file have another shape than the model");
  const auto now = known_log_prob(s.flow, a.points, a.condition);
  const RowVector<double> difference = (now - a.log_density).array().abs() / (1 + a.log_density.array().abs());
  return at_most(difference.maxCoeff<Eigen::PropagateNaN>(), kBound,
                 fmt::format("difference of log p from what the file says, of {} points", a.points.cols()));
}

Check check_tolerance(const Subject& s) {
  constexpr Index kPoints = 512;
  const auto c = draw_conditions(s, kPoints, "verify.tolerance");
  const auto x = default_samples(s, kPoints, "verify.tolerance", c);
  const auto got = default_log_prob(s, x, c);
  auto fine = fine_options(s, 1e-8);
  if (s.evaluation.steps == 0) {
    fine.solver.rtol = std::max(1e-12, std::min(1e-6, s.evaluation.rtol / 100));
    fine.solver.atol = std::max(1e-12, std::min(1e-6, s.evaluation.atol / 100));
  }
  const RowVector<double> difference = (got - s.flow.log_prob(x, c, fine).log_prob).cwiseAbs();
  return at_most(
      difference.mean(), 1e-3,
      fmt::format("mean difference of log p, nats; the largest is {:.1e}", difference.maxCoeff<Eigen::PropagateNaN>()));
}

namespace {

// 16 unit vectors, d x 16: equally spaced in two columns, otherwise random.
Matrix<double> directions(const Subject& s) {
  constexpr Index kCount = 16;
  Matrix<double> out(s.flow.dim(), kCount);
  if (s.flow.dim() == 2) {
    for (Index k = 0; k < kCount; ++k) {
      const double angle = 2 * std::numbers::pi * static_cast<double>(k) / kCount;
      out.col(k) << std::cos(angle), std::sin(angle);
    }
    return out;
  }
  Engine engine = make_stream(s.seed, "verify.tails");
  fill_normal<double>(engine, out);
  return out.colwise().normalized();
}

// Mean and standard deviation of each row.
struct Spread {
  Vector<double> mean, deviation;
};
Spread spread(const Matrix<double>& x) {
  Spread out{x.rowwise().mean(), {}};
  out.deviation = ((x.colwise() - out.mean).rowwise().squaredNorm() / static_cast<double>(x.cols())).cwiseSqrt();
  return out;
}

}  // namespace

// In the units of the chain, where there are no bounds. The distances are in standard deviations of the model's draws.
Check check_tails(const Subject& s) {
  constexpr Index kDistances = 8;
  constexpr double kFarthest = 50;
  if (s.flow.base->kind() == BaseKind::uniform) return skipped("a uniform base has no tails");
  Flow<double> inner = s.flow.share();
  inner.data_side = {};
  inner.set_periods({});
  const auto options = fine_options(s, 1e-6);
  constexpr Index kDraws = 1000;
  auto only_points = options;
  only_points.density = false;
  const auto conditions = draw_conditions(s, kDraws, "verify.tails");
  const auto drawn = inner.push(draw_base(s, kDraws, "verify.tails", conditions), only_points, conditions);
  const auto size = spread(drawn.points);
  const Matrix<double> along = directions(s);
  const double nearest = std::max(8.0, 2 * std::sqrt(static_cast<double>(s.flow.dim())));
  Matrix<double> log_p(along.cols(), kDistances);
  for (Index k = 0; k < kDistances; ++k) {
    const double r = nearest * std::pow(kFarthest / nearest, static_cast<double>(k) / (kDistances - 1));
    const Matrix<double> z = ((r * along).array().colwise() * size.deviation.array()).matrix().colwise() + size.mean;
    log_p.col(k) = inner.log_prob(z, draw_conditions(s, z.cols(), "verify.tails"), options).log_prob.transpose();
  }
  Index bad = 0;
  for (Index b = 0; b < along.cols(); ++b) {
    bool good = log_p.row(b).allFinite();
    for (Index k = 1; k < kDistances; ++k) good = good && log_p(b, k) < log_p(b, k - 1);
    bad += !good;
  }
  return at_most(static_cast<double>(bad), 0,
                 fmt::format("of 16 directions are not finite or do not fall, from {:.3g} to {:g} standard deviations",
                             nearest, kFarthest));
}

Check check_base(const Subject& s) {
  constexpr Index kDraws = 20000;
  if (s.flow.base->kind() == BaseKind::uniform) return skipped("a uniform base has no score");
  const Index d = s.flow.dim();
  const auto c = draw_conditions(s, kDraws, "verify.base");
  const Matrix<double> z = draw_base(s, kDraws, "verify.base", c);
  Matrix<double> score(d, kDraws);
  Vector<double> none;
  s.flow.base->pullback(z, s.flow.standardized_condition(c), 1, score, none);
  // The last row of ones tests that the mean score is 0.
  Matrix<double> y(d + 1, kDraws);
  y.topRows(d) = z.colwise() - z.rowwise().mean();
  y.row(d).setOnes();
  const double n = static_cast<double>(kDraws);
  const Matrix<double> mean = y * score.transpose() / n;
  const Matrix<double> square = y.cwiseAbs2() * score.cwiseAbs2().transpose() / n;
  double largest = 0;
  for (Index i = 0; i <= d; ++i)
    for (Index j = 0; j < d; ++j) {
      const double ratio = std::abs(mean(i, j) + (i == j)) / std::sqrt((square(i, j) - mean(i, j) * mean(i, j)) / n);
      if (!std::isfinite(ratio)) return at_least(std::nan(""), kLeastP, "the score of the base is not finite");
      largest = std::max(largest, ratio);
    }
  const double p = 2 * boost::math::cdf(boost::math::complement(boost::math::normal(), largest));
  return at_least(std::min(1.0, static_cast<double>(d * (d + 1)) * p), kLeastP,
                  fmt::format("p-value of Stein's identity, {} draws", kDraws));
}

}  // namespace pathline

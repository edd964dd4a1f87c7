// The integral of the density over all points.
#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include <fmt/format.h>
#include <Eigen/LU>

#include "pathline/core/importance_weights.hpp"
#include "pathline/verify/check.hpp"
#include "verify/cubature.hpp"
#include "verify/difference.hpp"
#include "verify/subject.hpp"

namespace pathline {
namespace {

constexpr Index kMostColumnsOfCubature = 3;
// The cubature stops at an error of 1e-3; Monte Carlo may be off by four of its standard errors.
constexpr double kBound = 2e-3, kErrors = 4;

struct Mass {
  double value = 0, error = 0;
  std::string how;
};

// The part of the box that is within 30 standard deviations in the units of the chain: a bounded column ends there. A
// column whose draws go beyond, as those of a funnel, has no bound.
Box within_support(const Subject& s, const Box& box, const Matrix<double>& draws) {
  const Vector<double> far = Vector<double>::Constant(s.flow.dim(), 30);
  const Vector<double> one = s.flow.in_data_units(-far), other = s.flow.in_data_units(far);
  Vector<double> low = one.cwiseMin(other), high = one.cwiseMax(other);
  for (Index i = 0; i < low.size(); ++i) {
    if (draws.row(i).minCoeff() < low[i]) low[i] = -std::numeric_limits<double>::infinity();
    if (draws.row(i).maxCoeff() > high[i]) high[i] = std::numeric_limits<double>::infinity();
  }
  if (const auto* periods = s.flow.periods())  // one period is all
    for (Index i = 0; i < low.size(); ++i)
      if (periods->length()[i] > 0) low[i] = periods->start()[i], high[i] = low[i] + periods->length()[i];
  return {box.low.cwiseMax(low), box.high.cwiseMin(high)};
}

// Bulk and tails: the box of the draws with a quarter of its size on each side, divided at the draws' medians, and the
// boxes around it out to four times its size.
std::vector<Box> boxes_around(const Subject& s, const Matrix<double>& draws) {
  const Index d = draws.rows();
  const Vector<double> least = draws.rowwise().minCoeff(), most = draws.rowwise().maxCoeff();
  const Vector<double> size = most - least;
  const Box bulk = within_support(s, {least - size / 4, most + size / 4}, draws);
  const Box all = within_support(s, {least - 1.5 * size, most + 1.5 * size}, draws);
  // At most this many draws per box, so that the points of the rule do not miss the neck of a funnel.
  auto out = boxes_of_points(bulk, draws, d == 1 ? 128 : 64);
  const Index cells = d == 1 ? 3 : d == 2 ? 9 : 27;
  for (Index k = 0; k < cells; ++k) {
    if (k == cells / 2) continue;  // the bulk
    Box box = bulk;
    Index digit = k;
    for (Index i = 0; i < d; ++i, digit /= 3) {
      if (digit % 3 == 0) box.high[i] = bulk.low[i], box.low[i] = all.low[i];
      if (digit % 3 == 2) box.low[i] = bulk.high[i], box.high[i] = all.high[i];
    }
    if (((box.high - box.low).array() > 0).all()) out.push_back(box);
  }
  return out;
}

Mass by_cubature(const Subject& s, const Matrix<double>& c, Index evaluations) {
  constexpr Index kDraws = 4000;
  const auto repeated = [&](Index n) { return c.rows() > 0 ? Matrix<double>(c.replicate(1, n)) : c; };
  const auto draws = default_samples(s, kDraws, "verify.integral", repeated(kDraws));
  const auto density = [&](const Matrix<double>& x) {
    return RowVector<double>(default_log_prob(s, x, repeated(x.cols())).array().exp());
  };
  const auto got = integrate(density, boxes_around(s, draws), {.tolerance = kBound / 4, .evaluations = evaluations});
  return {got.value, got.error, fmt::format("by cubature, {} points", got.evaluations)};
}

// log|det dx/dz| at a latent point, from differences of points alone.
double log_determinant_up(const Subject& s, const Vector<double>& z, const Matrix<double>& c) {
  const Index d = z.size();
  const Differences step(1e-3);
  Matrix<double> around = z.replicate(1, step.count() * d);
  for (Index j = 0; j < d; ++j)
    for (Index k = 0; k < step.count(); ++k) around(j, step.count() * j + k) += step.offset(k);
  auto options = fine_options(s, 1e-7);
  options.density = false, options.tile = std::min<Index>(around.cols(), 256);
  const auto x = s.flow.push(around, options, c.rows() > 0 ? Matrix<double>(c.replicate(1, around.cols())) : c).points;
  Matrix<double> jacobian(d, d);
  for (Index j = 0; j < d; ++j) jacobian.col(j) = step.derivative(x.middleCols(step.count() * j, step.count()));
  return Eigen::PartialPivLU<Matrix<double>>(jacobian).matrixLU().diagonal().array().abs().log().sum();
}

// The proposal is the image of the base, widened about its mean by a factor that costs a tenth of the effective sample
// size: x = X(m + w (z - m)). Its density is that of the base over w^d |det dX/dz|, with the determinant from
// differences of X. The weight is p(x) over it.
Mass by_importance(const Subject& s, const Matrix<double>& c, Index points) {
  const Index d = s.flow.dim();
  const double width = 1 + 0.25 / std::sqrt(static_cast<double>(d));
  const auto condition = c.rows() > 0 ? Matrix<double>(c.replicate(1, points)) : c;
  const Matrix<double> z = draw_base(s, points, "verify.integral", condition);
  const Vector<double> mean = z.rowwise().mean();
  const Matrix<double> wide = (width * (z.colwise() - mean)).colwise() + mean;
  auto options = fine_options(s, 1e-7);
  options.density = false;
  const auto x = s.flow.push(wide, options, condition).points;
  RowVector<double> weight =
      default_log_prob(s, x, condition) - s.flow.base->log_density(z, s.flow.standardized_condition(condition));
  weight.array() += static_cast<double>(d) * std::log(width);
  for (Index b = 0; b < points; ++b) weight[b] += log_determinant_up(s, wide.col(b), c);
  if (weight.array().isNaN().any()) return {std::nan(""), std::nan(""), "a log-density is NaN"};
  const ImportanceWeights statistics(weight);
  const double value = std::exp(statistics.log_mean);
  return {
      value, value * statistics.spread,
      fmt::format("by importance sampling, {} points, effective sample size {:.0f} %", points, 100 * statistics.ess)};
}

}  // namespace

Check check_integral(const Subject& s) {
  if (s.flow.periods() && s.flow.dim() > kMostColumnsOfCubature) return on_the_line(s, check_integral);
  const Index d = s.flow.dim(), conditions = s.flow.condition_dim() > 0 ? 3 : 1;
  constexpr Index kMostColumns = 128;
  if (d > kMostColumns) return skipped(fmt::format("{} columns need {} solves a point", d, 4 * d));
  const auto c = draw_conditions(s, conditions, "verify.integral");
  std::optional<Mass> worst;
  const auto off = [](const Mass& m) { return std::abs(m.value - 1); };
  for (Index k = 0; k < conditions; ++k) {
    const Matrix<double> condition = c.rows() > 0 ? Matrix<double>(c.col(k)) : c;
    const auto mass = d <= kMostColumnsOfCubature ? by_cubature(s, condition, 60000 / conditions)
                                                  : by_importance(s, condition, (d <= 16 ? 256 : 64) / conditions);
    if (!worst || !(off(mass) <= off(*worst))) worst = mass;
  }
  const double errors = d <= kMostColumnsOfCubature ? 1 : kErrors;
  auto out = at_most(off(*worst), kBound + errors * worst->error,
                     fmt::format("the integral is {:.5f} +- {:.5f}, {}", worst->value, worst->error, worst->how));
  out.error = worst->error;
  return out;
}

}  // namespace pathline

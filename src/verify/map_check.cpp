// Checks of the map of a flow: its inverse, its log-determinant, its marginal maps.
#include <cmath>

#include <fmt/format.h>
#include <Eigen/LU>

#include "pathline/verify/check.hpp"
#include "verify/difference.hpp"
#include "verify/subject.hpp"

namespace pathline {

Check check_there_and_back(const Subject& s) {
  if (s.flow.periods()) return on_the_line(s, check_there_and_back);
  constexpr Index kPoints = 256;
  const auto c = draw_conditions(s, kPoints, "verify.there_and_back");
  const auto z = draw_base(s, kPoints, "verify.there_and_back", c);
  auto options = fine_options(s);
  options.density = false;
  const auto x = s.flow.push(z, options, c).points;
  const Matrix<double> back = s.flow.log_prob(x, c, options).latent;
  const double d = static_cast<double>(s.flow.dim());
  const RowVector<double> distance = (back - z).colwise().norm() / std::sqrt(d);
  // NaN must not get lost in a maximum.
  return at_most(distance.maxCoeff<Eigen::PropagateNaN>(), 1e-5, "largest distance, in units of the base");
}

Check check_both_ways(const Subject& s) {
  constexpr Index kPoints = 256;
  const auto c = draw_conditions(s, kPoints, "verify.both_ways");
  const auto up = s.flow.push(draw_base(s, kPoints, "verify.both_ways", c), fine_options(s), c);
  const auto down = s.flow.log_prob(up.points, c, fine_options(s)).log_prob;
  const RowVector<double> difference = (up.log_prob - down).cwiseAbs();
  return at_most(difference.maxCoeff<Eigen::PropagateNaN>(), 1e-4, "largest difference of log p, nats");
}

namespace {

double log_abs_determinant(const Matrix<double>& m) {
  return Eigen::PartialPivLU<Matrix<double>>(m).matrixLU().diagonal().array().abs().log().sum();
}

// log|det dz/dx| at a point u in the units of the chain's data end, of differences of points alone. All points of the
// differences are in one tile, so that the steps of the solve, and its error, are the same for all.
double log_determinant_of_differences(const Subject& s, const Vector<double>& u, const Matrix<double>& c) {
  const Index d = u.size();
  const Differences step(1e-4);
  Matrix<double> around(d, step.count() * d);
  for (Index j = 0; j < d; ++j)
    for (Index k = 0; k < step.count(); ++k) {
      around.col(step.count() * j + k) = u;
      around(j, step.count() * j + k) += step.offset(k);
    }
  auto options = fine_options(s, 1e-10);
  options.density = false, options.tile = around.cols();
  const Matrix<double> x = s.flow.in_data_units(around);
  const Matrix<double> z =
      s.flow.log_prob(x, c.rows() > 0 ? Matrix<double>(c.replicate(1, x.cols())) : c, options).latent;
  Matrix<double> dz(d, d), dx(d, d);
  for (Index j = 0; j < d; ++j) {
    dz.col(j) = step.derivative(z.middleCols(step.count() * j, step.count()));
    dx.col(j) = step.derivative(x.middleCols(step.count() * j, step.count()));
  }
  return log_abs_determinant(dz) - log_abs_determinant(dx);
}

}  // namespace

Check check_log_determinant(const Subject& s) {
  if (s.flow.periods()) return on_the_line(s, check_log_determinant);
  constexpr Index kMostColumns = 128;
  const Index d = s.flow.dim(), points = d <= 16 ? 16 : 4;
  if (d > kMostColumns) return skipped(fmt::format("{} columns need {} solves a point", d, 4 * d));
  const auto c = draw_conditions(s, points, "verify.log_determinant");
  auto options = fine_options(s, 1e-10);
  const auto x = s.flow.push(draw_base(s, points, "verify.log_determinant", c), options, c).points;
  const auto got = s.flow.log_prob(x, c, options);
  const RowVector<double> claimed =
      got.log_prob - s.flow.base->log_density(got.latent, s.flow.standardized_condition(c));
  const Matrix<double> u = s.flow.standardized(x);
  RowVector<double> difference(points);
  for (Index b = 0; b < points; ++b) {
    const Matrix<double> condition = c.rows() > 0 ? Matrix<double>(c.col(b)) : c;
    difference[b] = std::abs(claimed[b] - log_determinant_of_differences(s, u.col(b), condition));
  }
  return at_most(difference.maxCoeff<Eigen::PropagateNaN>(), 1e-3, "largest difference, nats");
}

Check check_monotone(const Subject& s) {
  if (s.flow.data_side.empty()) return skipped("the model has no maps from the units of the data");
  constexpr Index kSteps = 2000;
  const Index d = s.flow.dim();
  Index backward = 0;
  for (Index i = 0; i < d; ++i) {
    // Along the column in the units of the chain, out to eight standard deviations, where all maps are defined.
    Matrix<double> u = Matrix<double>::Zero(d, kSteps);
    u.row(i) = RowVector<double>::LinSpaced(kSteps, -8, 8);
    const RowVector<double> x = s.flow.in_data_units(u).row(i);
    const RowVector<double> step = x.tail(kSteps - 1) - x.head(kSteps - 1);
    const double sign = x[kSteps - 1] < x[0] ? -1 : 1;
    backward += (!(sign * step.array() >= 0)).count();
    if (!(sign * (x[kSteps - 1] - x[0]) > 0)) ++backward;
  }
  return at_most(static_cast<double>(backward), 0, fmt::format("steps backward, of {} a column", kSteps - 1));
}

}  // namespace pathline

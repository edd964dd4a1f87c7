// Checks of the derivatives of a flow: continuity equation, traces, the adjoint.
#include <algorithm>
#include <cmath>
#include <vector>

#include <fmt/format.h>
#include <boost/math/distributions/students_t.hpp>

#include "pathline/core/error.hpp"
#include "pathline/objective/gradient_check.hpp"
#include "pathline/verify/check.hpp"
#include "verify/continuity.hpp"
#include "verify/difference.hpp"
#include "verify/subject.hpp"

namespace pathline {
namespace {

// The velocity dz/d(time since the base) of one block at one time, and its divergence by differences.
struct Velocity {
  Matrix<double> value;          // d x B
  RowVector<double> divergence;  // 1 x B
};

Velocity velocity(const Cnf<double>& block, double since_base, const Matrix<double>& z, const Matrix<double>& c) {
  // Second order, with a short step: a straddled kink of the activation spoils few points.
  constexpr double kStep = 1e-5;
  const double sign = block.clock == FieldClock::base_to_data ? 1 : -1, t = block.at(since_base);
  Workspace<double> workspace;
  Velocity out{Matrix<double>(z.rows(), z.cols()), RowVector<double>::Zero(z.cols())};
  block.field->value({t, z, c}, out.value, workspace);
  out.value *= sign;
  Matrix<double> moved = z, low = z, high = z;
  for (Index i = 0; i < z.rows(); ++i) {
    moved.row(i) = z.row(i).array() - kStep;
    block.field->value({t, moved, c}, low, workspace);
    moved.row(i) = z.row(i).array() + kStep;
    block.field->value({t, moved, c}, high, workspace);
    moved.row(i) = z.row(i);
    out.divergence += sign * (high.row(i) - low.row(i)) / (2 * kStep);
  }
  return out;
}

// The log-density at a time, of points in the units of the chain, and in these units.
RowVector<double> log_density_at(const Subject& s, double t, const Matrix<double>& z, const Matrix<double>& c) {
  RowVector<double> log_det = RowVector<double>::Zero(z.cols());
  const Matrix<double> x = s.flow.in_data_units(z, &log_det);
  auto options = fine_options(s, 1e-11);
  options.tile = z.cols();
  return s.flow.log_prob_at(t, x, c, options).log_prob + log_det;
}

// |(d/dt + f grad) log rho + div f| / (1 + |div f|) of each point at a time of a block that begins at `start`. The
// derivative along the straight line (t + e, z + e f) is both terms at once.
RowVector<double> residual(const Subject& s, const Cnf<double>& block, double start, double since_base,
                           const Matrix<double>& x, const Matrix<double>& c) {
  const Matrix<double> z = s.flow.standardized(x);
  const auto v = velocity(block, since_base, z, s.flow.standardized_condition(c));
  const Differences step(2e-3 * block.end_time);
  Matrix<double> along(z.cols(), step.count());
  for (Index k = 0; k < step.count(); ++k)
    along.col(k) = log_density_at(s, start + since_base + step.offset(k), z + step.offset(k) * v.value, c).transpose();
  const RowVector<double> rate = step.derivative(along).transpose();
  return (rate + v.divergence).array().abs() / (1 + v.divergence.array().abs());
}

}  // namespace

double ninth_decile(std::vector<double> values) {
  for (auto& v : values)
    if (std::isnan(v)) v = std::numeric_limits<double>::infinity();
  std::sort(values.begin(), values.end());
  return values.empty() ? std::nan("") : values[values.size() * 9 / 10];
}

RowVector<double> continuity_residual(const Subject& s, double t, const Matrix<double>& x, const Matrix<double>& c) {
  constexpr Index kTogether = 128;  // points that share the steps of their solves
  const Cnf<double>* block = nullptr;
  double start = 0, begin = 0;
  for (std::size_t i = 0; i < s.flow.chain.size(); start += s.flow.chain[i].duration(), ++i)
    if (const auto* here = dynamic_cast<const Cnf<double>*>(&s.flow.chain[i]); here && (!block || t > start))
      block = here, begin = start;
  if (!block) throw InputError("the continuity equation needs a model with a continuous block");
  // The differences reach 4e-3 of the block to both sides.
  const double edge = 5e-3 * block->end_time, since = std::clamp(t - begin, edge, block->end_time - edge);
  RowVector<double> out(x.cols());
  for (Index first = 0; first < x.cols(); first += kTogether) {
    const Index n = std::min(kTogether, x.cols() - first);
    const Matrix<double> part = c.rows() > 0 ? Matrix<double>(c.middleCols(first, n)) : Matrix<double>(0, 0);
    out.segment(first, n) = residual(s, *block, begin, since, x.middleCols(first, n), part);
  }
  return out;
}

Check check_continuity(const Subject& s) {
  if (s.flow.periods()) return on_the_line(s, check_continuity);
  constexpr Index kPoints = 16;
  if (!(s.flow.end_time() > 0)) return skipped("no transform of the model takes time");
  const auto c = draw_conditions(s, kPoints, "verify.continuity");
  const auto z = draw_base(s, kPoints, "verify.continuity", c);
  std::vector<double> all;
  double start = 0;
  for (std::size_t i = 0; i < s.flow.chain.size(); start += s.flow.chain[i].duration(), ++i) {
    const auto* block = dynamic_cast<const Cnf<double>*>(&s.flow.chain[i]);
    if (!block) continue;
    std::vector<double> times;
    for (double part : {0.05, 0.25, 0.5, 0.75, 0.95}) times.push_back(start + part * block->end_time);
    std::vector<Matrix<double>> along;
    s.flow.trajectory(z, times, along, fine_options(s), c);
    for (std::size_t k = 0; k < times.size(); ++k) {
      const RowVector<double> r = residual(s, *block, start, times[k] - start, along[k], c);
      all.insert(all.end(), r.begin(), r.end());
    }
  }
  if (all.empty()) return skipped("the model has no continuous block");
  return at_most(ninth_decile(all), 1e-3, "residual at five times of each block, relative to 1 + |div f|");
}

Check check_trace(const Subject& s) {
  if (s.flow.periods()) return on_the_line(s, check_trace);
  constexpr Index kPoints = 32, kRepeats = 24;
  if (s.flow.chain.solves() == 0) return skipped("no transform of the model has a trace");
  const auto c = draw_conditions(s, kPoints, "verify.trace");
  auto options = fine_options(s, 1e-7);
  const auto x = s.flow.push(draw_base(s, kPoints, "verify.trace", c), options, c).points;
  const RowVector<double> exact = s.flow.log_prob(x, c, options).log_prob;
  options.trace = {.kind = TraceKind::hutchinson, .probes = 4};
  Matrix<double> difference(kRepeats, kPoints);
  for (Index i = 0; i < kRepeats; ++i) {
    options.seed = make_stream(s.seed, "verify.trace", static_cast<std::uint64_t>(i))();
    difference.row(i) = s.flow.log_prob(x, c, options).log_prob - exact;
  }
  // Rademacher probes are exact for a Jacobian without off-diagonal part, as in one dimension: what is left then is the
  // error of the solves, up to a hundred times their tolerance.
  constexpr double kSolve = 1e-5;
  const boost::math::students_t t(static_cast<double>(kRepeats - 1));
  double least = 1;
  for (Index b = 0; b < kPoints; ++b) {
    const double mean = difference.col(b).mean();
    const double variance = (difference.col(b).array() - mean).square().sum() / (kRepeats * (kRepeats - 1));
    const double ratio = std::abs(mean) / std::sqrt(variance + kSolve * kSolve);
    if (!std::isfinite(ratio)) return at_least(std::nan(""), kLeastP, "a log-density is not finite");
    least = std::min(least, 2 * boost::math::cdf(boost::math::complement(t, ratio)));
  }
  return at_least(std::min(1.0, kPoints * least), kLeastP,
                  fmt::format("p-value of {} points with {} probes each", kPoints, 4 * kRepeats));
}

Check check_adjoint(const Subject& s) {
  if (s.flow.periods()) return on_the_line(s, [](const Subject& line) { return check_adjoint(line); });
  constexpr Index kPoints = 4;
  const auto c = draw_conditions(s, kPoints, "verify.adjoint");
  const auto x = s.flow.push(draw_base(s, kPoints, "verify.adjoint", c), fine_options(s), c).points;
  // Fixed steps: the discrete adjoint is then the gradient of the very loss that is differenced, to rounding.
  const GradientOptions options{.solver = {.steps = 8}, .threads = s.threads};
  std::vector<GradientCheckRow> best;
  for (std::uint64_t k = 0; k < 3; ++k) {
    const auto rows = check_gradient(s.flow, x, c, options, {.seed = make_stream(s.seed, "verify.adjoint", k)()});
    if (best.empty()) best = rows;
    for (std::size_t i = 0; i < rows.size(); ++i)
      if (!(best[i].error() <= rows[i].error())) best[i] = rows[i];
  }
  const auto worst = std::max_element(best.begin(), best.end(), [](const auto& a, const auto& b) {
    return std::isnan(b.error()) || a.error() < b.error();
  });
  return at_most(worst->error(), 1e-4, fmt::format("largest relative error, of {}", worst->name));
}

}  // namespace pathline

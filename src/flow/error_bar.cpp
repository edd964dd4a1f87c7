#include "pathline/flow/error_bar.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/log_sum_exp.hpp"
#include "core/option_check.hpp"
#include "pathline/flow/flow_mixture.hpp"

namespace pathline {
namespace {

constexpr double kUnbounded = std::numeric_limits<double>::infinity();
constexpr double kCoarser = 4, kWidth = 2;

EvaluationOptions coarser(EvaluationOptions o) {
  auto& s = o.solver;
  if (s.steps > 1)
    s.steps = (s.steps + 1) / 2;
  else if (s.steps == 1)
    s.steps = 2;  // there are no fewer: the second solve is the finer one
  else
    s.rtol *= kCoarser, s.atol *= kCoarser;
  if (o.trace.kind == TraceKind::hutchinson) o.seed = make_stream(o.seed, "flow.error_bar")();
  return o;
}

// The latent points of one solve, and the two terms of log p that it gives.
template <class S> struct Parts {
  LogProb<S> got;
  Matrix<double> z;               // d x N
  RowVector<double> base, inner;  // log p0(z), and log|det| of the chain

  Parts(const Flow<S>& flow, ConstMatrixRef<double> x, ConstMatrixRef<double> c, const RowVector<double>& outer,
        const EvaluationOptions& options)
      : got(flow.log_prob(x, c, options)),
        z(got.latent.template cast<double>()),
        base(flow.base->log_density(z, flow.standardized_condition(c).template cast<double>())),
        inner(got.log_prob - base - outer) {}
};

double median(RowVector<double> values) {
  const auto middle = values.begin() + values.size() / 2;
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// The typical size of the finite values of a tile: their root mean square if they are random, else their median.
double typical(const RowVector<double>& values, bool random) {
  std::vector<double> finite;
  for (double v : values)
    if (std::isfinite(v)) finite.push_back(v);
  if (finite.empty()) return 0;
  const RowVector<double> f = ConstRowVectorMap<double>(finite.data(), static_cast<Index>(finite.size()));
  return random ? f.norm() / std::sqrt(static_cast<double>(f.size())) : median(f);
}

// Where log p_k is off by at most e_k, log sum_k w_k p_k is off by at most log sum_k s_k exp(e_k), s_k = w_k p_k / p: upward
// that is the sum itself, and downward the error is no larger, since -log sum_k s_k exp(-e_k) <= sum_k s_k e_k (Jensen).
template <class S> BarredLogProb mixture_with_error(const FlowMixture<S>& mixture, ConstMatrixRef<double> x,
                                                    ConstMatrixRef<double> c, const EvaluationOptions& options) {
  Matrix<double> joint(mixture.components(), x.cols()), error = joint;
  BarredLogProb out{RowVector<double>(x.cols()), RowVector<double>::Zero(x.cols()), {}, 0};
  out.report.status = SolveStatus::success;
  for (Index k = 0; k < mixture.components(); ++k) {
    const auto got = log_prob_with_error(mixture.members()[static_cast<std::size_t>(k)], x, c, options);
    joint.row(k) = got.log_prob.array() + std::log(mixture.weights()[k]), error.row(k) = got.error;
    out.report.add(got.report), out.nfe += got.nfe;
  }
  for (Index b = 0; b < x.cols(); ++b) {
    const double sum = log_sum_exp(joint.col(b).array());
    out.log_prob[b] = sum;
    double growth = 0;
    for (Index k = 0; std::isfinite(sum) && k < joint.rows(); ++k)
      if (const double share = std::exp(joint(k, b) - sum); share > 0) growth += share * std::expm1(error(k, b));
    out.error[b] = std::log1p(growth);
    // Where no member has a density, the largest error of the members counts.
    if (sum == -kUnbounded) out.error[b] = error.col(b).maxCoeff();
    if (std::isnan(sum) || sum == kUnbounded) out.error[b] = kUnbounded;
  }
  return out;
}

}  // namespace

template <class S> BarredLogProb log_prob_with_error(const Flow<S>& flow, ConstMatrixRef<double> x,
                                                     ConstMatrixRef<double> c, const EvaluationOptions& options) {
  if (const auto* mixture = flow.members()) return mixture_with_error(*mixture, x, c, options);
  const bool random = options.trace.kind == TraceKind::hutchinson;
  RowVector<double> outer = RowVector<double>::Zero(x.cols());
  const Parts<S> first(flow, x, c, outer, options);
  Matrix<double> inside = x;
  if (flow.periods()) flow.periods()->fold_to_centre(inside);
  (void)flow.standardized(inside, &outer, options.first);
  const Parts<S> second(flow, x, c, outer, coarser(options));
  const RowVector<double> inner = first.inner - outer;
  Matrix<double> slope(x.rows(), x.cols());
  Vector<double> none;
  flow.base->pullback(first.z, flow.standardized_condition(c).template cast<double>(), 1, slope, none);
  RowVector<double> change;
  if (random)
    change = (first.got.log_prob - second.got.log_prob).cwiseAbs();
  else
    change = (inner - second.inner).cwiseAbs() + slope.cwiseProduct(first.z - second.z).colwise().norm();
  BarredLogProb out{first.got.log_prob, RowVector<double>(x.cols()), first.got.report, first.got.nfe + second.got.nfe};
  out.report.add(second.got.report);
  const double eps = std::numeric_limits<S>::epsilon();
  for (Index begin = 0; begin < x.cols(); begin += options.tile) {
    const Index batch = std::min(options.tile, x.cols() - begin);
    const double usual = typical(change.segment(begin, batch), random);
    for (Index b = begin; b < begin + batch; ++b) {
      const double rounding = eps * (1 + std::abs(first.base[b]) + std::abs(inner[b]));
      out.error[b] = kWidth * std::max(change[b], usual) + rounding;
      if (!std::isfinite(out.error[b])) out.error[b] = kUnbounded;
      if (out.log_prob[b] == -kUnbounded && second.got.log_prob[b] == -kUnbounded) out.error[b] = 0;
      if (std::isnan(out.log_prob[b]) || out.log_prob[b] == kUnbounded) out.error[b] = kUnbounded;
    }
  }
  return out;
}

namespace {

std::vector<Index> beyond(const RowVector<double>& error, double most) {
  std::vector<Index> out;
  for (Index b = 0; b < error.size(); ++b)
    if (!(error[b] <= most)) out.push_back(b);
  return out;
}

// Evaluates the points `which` again at this tolerance, and keeps each log-density whose error is smaller than before.
template <class S> void improve(BarredLogProb& have, const std::vector<Index>& which, const Flow<S>& flow,
                                ConstMatrixRef<double> x, ConstMatrixRef<double> c, EvaluationOptions options,
                                double tolerance) {
  options.solver.rtol = options.solver.atol = tolerance;
  options.solver.max_steps = std::max<Index>(options.solver.max_steps, 100000);
  options.first = 0;  // it selects the probes only, and the trace is exact
  const Matrix<double> points = x(Eigen::all, which);
  const Matrix<double> conditions = c.rows() > 0 ? Matrix<double>(c(Eigen::all, which)) : Matrix<double>(0, 0);
  const auto got = log_prob_with_error(flow, points, conditions, options);
  for (std::size_t i = 0; i < which.size(); ++i) {
    const Index b = which[i], from = static_cast<Index>(i);
    if (!(got.error[from] < have.error[b])) continue;
    have.log_prob[b] = got.log_prob[from], have.error[b] = got.error[from];
  }
  have.report.add(got.report);
  have.nfe += got.nfe * static_cast<double>(which.size()) / static_cast<double>(x.cols());
}

}  // namespace

BarredLogProb log_prob_within(double max_error, const Flow<double>& flow, const Flow<float>* single,
                              ConstMatrixRef<double> x, ConstMatrixRef<double> c, const EvaluationOptions& options) {
  require(max_error > 0 && std::isfinite(max_error), "max_error", max_error, "> 0");
  if (options.trace.kind != TraceKind::exact) throw InputError("max_error: needs the exact trace");
  auto out = single ? log_prob_with_error(*single, x, c, options) : log_prob_with_error(flow, x, c, options);
  // Fixed steps have no tolerance to tighten: adaptive steps at the default tolerance of an evaluation replace them.
  auto adaptive = options;
  double tolerance = std::min(options.solver.rtol, options.solver.atol);
  if (options.solver.steps > 0) {
    tolerance = 10 * EvaluationOptions{}.solver.rtol;
    adaptive.solver = {.rtol = tolerance, .atol = tolerance};
  }
  constexpr double kLeastOfFloat = 1e-6, kLeast = 1e-12;
  auto which = beyond(out.error, max_error);
  while (!which.empty() && tolerance > kLeast) {
    tolerance = std::max(tolerance / 10, kLeast);
    // 0.99: the tolerance was divided by 10 several times, with rounding errors.
    if (single && tolerance >= 0.99 * kLeastOfFloat) {
      improve(out, which, *single, x, c, adaptive, tolerance);
    } else {
      improve(out, which, flow, x, c, adaptive, tolerance);
    }
    which = beyond(out.error, max_error);
  }
  return out;
}

template BarredLogProb log_prob_with_error<float>(const Flow<float>&, ConstMatrixRef<double>, ConstMatrixRef<double>,
                                                  const EvaluationOptions&);
template BarredLogProb log_prob_with_error<double>(const Flow<double>&, ConstMatrixRef<double>, ConstMatrixRef<double>,
                                                   const EvaluationOptions&);

}  // namespace pathline

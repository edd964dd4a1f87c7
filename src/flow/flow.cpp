#include "pathline/flow/flow.hpp"

#include <cmath>
#include <numbers>
#include <vector>

#include "pathline/core/error.hpp"
#include "pathline/core/parallel.hpp"

namespace pathline {
namespace {

// What each thread keeps between tiles.
template <class S> struct Worker {
  explicit Worker(const SolverOptions& options) : solver(options) {}
  Solver<S> solver;
  Workspace<S> workspace;
  State<S> state;
  Matrix<S> condition, probes;
};

template <class S> std::vector<Worker<S>> make_workers(const SolverOptions& options) {
  std::vector<Worker<S>> workers;
  for (int i = 0; i < thread_count(); ++i) workers.emplace_back(options);
  return workers;
}

SolveReport total(const std::vector<SolveReport>& reports, double& nfe) {
  SolveReport sum;
  for (const auto& r : reports) sum.add(r);
  if (reports.empty()) sum.status = SolveStatus::success;
  nfe = reports.empty() ? 0 : static_cast<double>(sum.evaluations) / static_cast<double>(reports.size());
  if (!sum.ok()) throw NumericalError(sum.advice());
  return sum;
}

}  // namespace

template <class S> RowVector<double> standard_normal_log_density(ConstMatrixRef<S> z) {
  const double constant = 0.5 * static_cast<double>(z.rows()) * std::log(2 * std::numbers::pi);
  return (-0.5 * z.template cast<double>().colwise().squaredNorm()).array() - constant;
}

template <class S>
Flow<S>::Flow(Cnf<S> c)
    : cnf(std::move(c)), mean(Vector<double>::Zero(cnf.field->dim())), scale(Vector<double>::Ones(cnf.field->dim())) {}

template <class S>
LogProb<S> Flow<S>::log_prob(ConstMatrixRef<double> x, ConstMatrixRef<double> c,
                             const EvaluationOptions& options) const {
  const Index d = dim(), n = x.cols(), tiles = (n + options.tile - 1) / options.tile;
  if (x.rows() != d)
    throw InputError("points have " + std::to_string(x.rows()) + " columns: the model has " + std::to_string(d));
  LogProb<S> out{RowVector<double>(n), Matrix<S>(d, n), {}, 0};
  std::vector<SolveReport> reports(static_cast<std::size_t>(tiles));
  auto workers = make_workers<S>(options.solver);
  const double log_scale = scale.array().log().sum();
  parallel_for(tiles, [&](Index tile, int id) {
    auto& w = workers[static_cast<std::size_t>(id)];
    const Index begin = tile * options.tile, batch = std::min(options.tile, n - begin);
    Engine engine = make_stream(options.seed, "flow.probes", static_cast<std::uint64_t>(tile));
    const auto seeds = make_seeds<S>(options.trace, d, batch, engine, w.probes);
    w.state.resize(Augmented<S>::layout(d, batch, true));
    w.condition = c.middleCols(c.cols() == n ? begin : 0, c.rows() > 0 ? batch : 0).template cast<S>();
    w.state.block(0) =
        ((x.middleCols(begin, batch).colwise() - mean).array().colwise() / scale.array()).template cast<S>();
    w.state.block(1).setZero();
    Augmented<S> system(*cnf.field, seeds, w.condition, w.workspace);
    reports[static_cast<std::size_t>(tile)] = w.solver.solve(system, w.state, cnf.data_time(), cnf.base_time());
    out.base.middleCols(begin, batch) = w.state.block(0);
    out.log_prob.segment(begin, batch) = standard_normal_log_density<S>(w.state.block(0)) -
                                         w.state.block(1).template cast<double>() -
                                         RowVector<double>::Constant(batch, log_scale);
  });
  out.report = total(reports, out.nfe);
  return out;
}

template <class S> Samples<S> Flow<S>::push(const Matrix<S>& base, const EvaluationOptions& options) const {
  const Index d = dim(), n = base.cols(), tiles = (n + options.tile - 1) / options.tile;
  Samples<S> out{Matrix<double>(d, n), RowVector<double>(n), {}, 0};
  std::vector<SolveReport> reports(static_cast<std::size_t>(tiles));
  auto workers = make_workers<S>(options.solver);
  const double log_scale = scale.array().log().sum();
  parallel_for(tiles, [&](Index tile, int id) {
    auto& w = workers[static_cast<std::size_t>(id)];
    const Index begin = tile * options.tile, batch = std::min(options.tile, n - begin);
    Engine engine = make_stream(options.seed, "flow.probes", static_cast<std::uint64_t>(tile));
    const auto seeds = make_seeds<S>(options.trace, d, batch, engine, w.probes);
    w.state.resize(Augmented<S>::layout(d, batch, true));
    w.condition.resize(0, 0);
    w.state.block(0) = base.middleCols(begin, batch);
    w.state.block(1).setZero();
    Augmented<S> system(*cnf.field, seeds, w.condition, w.workspace);
    reports[static_cast<std::size_t>(tile)] = w.solver.solve(system, w.state, cnf.base_time(), cnf.data_time());
    out.points.middleCols(begin, batch) =
        (w.state.block(0).template cast<double>().array().colwise() * scale.array()).matrix().colwise() + mean;
    out.log_prob.segment(begin, batch) = standard_normal_log_density<S>(base.middleCols(begin, batch)) +
                                         w.state.block(1).template cast<double>() -
                                         RowVector<double>::Constant(batch, log_scale);
  });
  out.report = total(reports, out.nfe);
  return out;
}

template <class S>
Samples<S> Flow<S>::sample(Index n, std::uint64_t seed, const EvaluationOptions& options, Index first) const {
  Matrix<S> base(dim(), n);
  for (Index begin = 0; begin < n; begin += options.tile) {
    Engine engine = make_stream(seed, "flow.base", static_cast<std::uint64_t>((first + begin) / options.tile));
    fill_normal<S>(engine, base.middleCols(begin, std::min(options.tile, n - begin)));
  }
  return push(base, options);
}

template RowVector<double> standard_normal_log_density<float>(ConstMatrixRef<float>);
template RowVector<double> standard_normal_log_density<double>(ConstMatrixRef<double>);
template class Flow<float>;
template class Flow<double>;

}  // namespace pathline

#include "pathline/adjoint/odeint.hpp"

#include <cmath>
#include <limits>
#include <optional>

#include <fmt/format.h>

#include "adjoint/continuous.hpp"
#include "adjoint/discrete.hpp"
#include "core/option_check.hpp"
#include "core/tile.hpp"
#include "pathline/core/error.hpp"
#include "pathline/core/parallel.hpp"

namespace pathline {
namespace {

void check_times(const std::vector<double>& times) {
  if (times.empty()) throw InputError("times: must have at least the time of z0");
  const bool down = times.size() > 1 && times[1] < times[0];
  for (std::size_t k = 0; k < times.size(); ++k) {
    if (!std::isfinite(times[k])) throw InputError(fmt::format("times[{}] = {}: must be finite", k, times[k]));
    if (k > 0 && !(down ? times[k] < times[k - 1] : times[k] > times[k - 1]))
      throw InputError(
          fmt::format("times[{}] = {}: must be {} times[{}] = {}", k, times[k], down ? "<" : ">", k - 1, times[k - 1]));
  }
}

// What a tile keeps for its pullback, and what it adds to the gradient.
template <class S> struct OdeintTile {
  std::vector<Tape<S>> steps;  // of each interval
  Matrix<S> condition, c_bar;
  Vector<S> theta;
  Vector<double> times;
  SolveReport report, backward;
};

template <class S> struct OdeintWorker {
  explicit OdeintWorker(const OdeintOptions& o) : solver(o.solver) {
    SolverOptions back = o.solver;
    if (o.adjoint == AdjointKind::checkpointed && back.steps > 0) back.steps = 1;  // one forward step at a time
    if (o.adjoint != AdjointKind::discrete) continuous.emplace(back);
  }
  Workspace<S> workspace;
  Solver<S> solver;
  DiscreteAdjoint<S> discrete;
  std::optional<ContinuousAdjoint<S>> continuous;
  State<S> state;
  Matrix<S> end, z_bar;
};

}  // namespace

template <class S> struct Odeint<S>::Impl {
  explicit Impl(const OdeintOptions& o) : options(o), tableau(find_tableau(o.solver.stepper)) {
    o.solver.check();
    require(o.tile > 0, "tile", o.tile, "> 0");
    check_adjoint(o.adjoint, o.solver);
    while (static_cast<int>(workers.size()) < thread_count(o.threads)) workers.emplace_back(o);
  }

  void solve_tile(const VectorField<S>& field, Index tile, OdeintWorker<S>& w, OdeintTile<S>& to);
  void reverse_tile(const VectorField<S>& field, ConstMatrixRef<S> states_bar, Index tile, OdeintWorker<S>& w,
                    OdeintTile<S>& to);
  Tiles tiles() const { return {batch, options.tile}; }
  // The samples of a tile among those of the k-th time.
  auto at(Matrix<S>& of, std::size_t k, Index tile) const {
    return of.middleCols(static_cast<Index>(k) * batch + tiles().begin(tile), tiles().batch(tile));
  }

  OdeintOptions options;
  const Tableau* tableau;
  std::vector<OdeintWorker<S>> workers;
  std::vector<OdeintTile<S>> kept;
  std::vector<double> times;
  Index batch = 0;
  Matrix<S> states;
  SolveReport report;
  OdeintGradient<S> gradient;
};

template <class S>
void Odeint<S>::Impl::solve_tile(const VectorField<S>& field, Index tile, OdeintWorker<S>& w, OdeintTile<S>& to) {
  w.state.resize(Augmented<S>::layout(field.dim(), tiles().batch(tile), false));
  w.state.block(0) = at(states, 0, tile);
  to.steps.resize(times.size() - 1);
  to.report = {};
  to.report.status = SolveStatus::success;
  Augmented<S> system(field, {}, to.condition, w.workspace);
  double next_step = 0;
  for (std::size_t k = 1; k < times.size() && to.report.ok(); ++k) {
    auto& steps = to.steps[k - 1];
    steps.clear(options.adjoint == AdjointKind::discrete ? tableau : nullptr);
    auto* observer = options.adjoint == AdjointKind::backsolve ? nullptr : &steps;  // backsolve needs no steps
    const auto solved = w.solver.solve(system, w.state, times[k - 1], times[k], observer, next_step);
    next_step = solved.next_step;
    to.report.add(solved);
    if (solved.ok()) at(states, k, tile) = w.state.block(0);
  }
}

// The derivative of the loss by the time of an interval's end is a^T f there. The state has no log-density, hence the
// TraceMethod that computes no trace.
template <class S> void Odeint<S>::Impl::reverse_tile(const VectorField<S>& field, ConstMatrixRef<S> states_bar,
                                                      Index tile, OdeintWorker<S>& w, OdeintTile<S>& to) {
  const Index first = tiles().begin(tile), count = tiles().batch(tile);
  auto jump = [&](std::size_t k) { return states_bar.middleCols(static_cast<Index>(k) * batch + first, count); };
  to.theta.setZero(field.theta().size());
  to.c_bar.setZero(to.condition.rows(), to.condition.cols());
  to.times.setZero(static_cast<Index>(times.size()));
  to.backward = {};
  to.backward.status = SolveStatus::success;
  const TraceMethod<S> no_trace;
  w.z_bar = jump(times.size() - 1);
  for (std::size_t k = times.size() - 1; k > 0 && to.backward.ok(); --k) {
    const BlockProblem<S> problem{field, no_trace, to.condition, nullptr, times[k - 1], times[k]};
    BlockCotangent<S> bar{w.z_bar, to.theta, to.c_bar};
    const auto& steps = to.steps[k - 1];
    if (options.adjoint == AdjointKind::discrete) {
      to.backward.add(w.discrete.reverse(problem, *tableau, steps, bar, w.workspace));
    } else {
      w.end = at(states, k, tile);
      const auto* tape = options.adjoint == AdjointKind::checkpointed ? &steps : nullptr;
      to.backward.add(w.continuous->reverse(problem, w.end, tape, bar, w.workspace));
    }
    to.times[static_cast<Index>(k) - 1] += bar.t0, to.times[static_cast<Index>(k)] += bar.t1;
    w.z_bar += jump(k - 1);
  }
  at(gradient.z0, 0, tile) = w.z_bar;
}

template <class S> Odeint<S>::Odeint(const OdeintOptions& options) : impl_(std::make_unique<Impl>(options)) {}
template <class S> Odeint<S>::~Odeint() = default;
template <class S> Odeint<S>::Odeint(Odeint&&) noexcept = default;
template <class S> Odeint<S>& Odeint<S>::operator=(Odeint&&) noexcept = default;
template <class S> const SolveReport& Odeint<S>::report() const { return impl_->report; }
template <class S> const OdeintOptions& Odeint<S>::options() const { return impl_->options; }

template <class S> const Matrix<S>& Odeint<S>::solve(const VectorField<S>& field, ConstMatrixRef<S> z0,
                                                     const std::vector<double>& times, ConstMatrixRef<S> condition) {
  auto& m = *impl_;
  check_times(times);
  if (z0.rows() != field.dim() || z0.cols() < 1)
    throw InputError(
        fmt::format("z0: {} x {}: must be d x B with d = {} and B >= 1", z0.rows(), z0.cols(), field.dim()));
  if (condition.rows() != field.condition_dim() || (condition.rows() > 0 && condition.cols() != z0.cols()))
    throw InputError(fmt::format("condition: {} x {}: must be {} x {}", condition.rows(), condition.cols(),
                                 field.condition_dim(), z0.cols()));
  m.times = times, m.batch = z0.cols();
  m.states.setConstant(z0.rows(), m.batch * static_cast<Index>(times.size()), std::numeric_limits<S>::quiet_NaN());
  m.states.leftCols(m.batch) = z0;
  const Tiles tiles = m.tiles();
  m.kept.resize(static_cast<std::size_t>(tiles.count()));
  parallel_for(tiles.count(), m.options.threads, [&](Index tile, int worker) {
    auto& to = m.kept[static_cast<std::size_t>(tile)];
    to.condition.resize(condition.rows(), tiles.batch(tile));
    if (condition.rows() > 0) to.condition = condition.middleCols(tiles.begin(tile), tiles.batch(tile));
    m.solve_tile(field, tile, m.workers[static_cast<std::size_t>(worker)], to);
  });
  m.report = {};
  for (const auto& tile : m.kept) m.report.add(tile.report);
  return m.states;
}

template <class S>
const OdeintGradient<S>& Odeint<S>::pullback(const VectorField<S>& field, ConstMatrixRef<S> states_bar) {
  auto& m = *impl_;
  if (!m.report.ok()) throw NumericalError(m.report.advice());
  if (states_bar.rows() != m.states.rows() || states_bar.cols() != m.states.cols())
    throw InputError(fmt::format("states_bar: {} x {}: must be {} x {} as the states", states_bar.rows(),
                                 states_bar.cols(), m.states.rows(), m.states.cols()));
  auto& g = m.gradient;
  g.z0.resize(m.states.rows(), m.batch);
  g.condition.resize(field.condition_dim(), m.batch);
  g.theta.setZero(field.theta().size());
  g.times.setZero(static_cast<Index>(m.times.size()));
  g.report = {};
  const Tiles tiles = m.tiles();
  parallel_for(tiles.count(), m.options.threads, [&](Index tile, int worker) {
    m.reverse_tile(field, states_bar, tile, m.workers[static_cast<std::size_t>(worker)],
                   m.kept[static_cast<std::size_t>(tile)]);
  });
  for (Index tile = 0; tile < tiles.count(); ++tile) {
    const auto& from = m.kept[static_cast<std::size_t>(tile)];
    g.report.add(from.backward);
    g.theta += from.theta, g.times += from.times;
    g.condition.middleCols(tiles.begin(tile), tiles.batch(tile)) = from.c_bar;
  }
  if (!g.report.ok()) throw NumericalError(g.report.advice());
  return g;
}

template <class S> Matrix<S> odeint(const VectorField<S>& field, const Matrix<S>& z0, const std::vector<double>& times,
                                    const OdeintOptions& options, const Matrix<S>& condition) {
  OdeintOptions forward = options;
  forward.adjoint = AdjointKind::backsolve;  // it stores no steps and accepts every stepper
  Odeint<S> ode(forward);
  Matrix<S> states = ode.solve(field, z0, times, condition);
  if (!ode.report().ok()) throw NumericalError(ode.report().advice());
  return states;
}

template class Odeint<float>;
template class Odeint<double>;
template Matrix<float> odeint<float>(const VectorField<float>&, const Matrix<float>&, const std::vector<double>&,
                                     const OdeintOptions&, const Matrix<float>&);
template Matrix<double> odeint<double>(const VectorField<double>&, const Matrix<double>&, const std::vector<double>&,
                                       const OdeintOptions&, const Matrix<double>&);

}  // namespace pathline

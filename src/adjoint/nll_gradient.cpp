#include "pathline/adjoint/nll_gradient.hpp"

#include <cmath>

#include "adjoint/continuous.hpp"
#include "adjoint/discrete.hpp"
#include "core/named_value.hpp"
#include "core/option_check.hpp"
#include "flow/tile.hpp"

namespace pathline {
namespace {

// What one tile adds to the batch.
template <class S> struct TileResult {
  double log_prob = 0, penalty = 0;  // summed
  Vector<S> theta;
  Vector<double> rest;               // of theta: norms and base, in double
  std::vector<double> base_time, data_time;
  std::vector<Vector<double>> sum, squares;  // a norm: sum x, sum (x - mean of the tile)^2
  SolveReport report, backward;
};

template <class S> struct Worker : TileWorker<S> {
  explicit Worker(const GradientOptions& o) : TileWorker<S>(o.solver), continuous(backward_solver(o)) {}

  // checkpointed solves back over one forward step at a time.
  static SolverOptions backward_solver(const GradientOptions& o) {
    SolverOptions s = o.solver;
    if (o.adjoint == AdjointKind::checkpointed && s.steps > 0) s.steps = 1;
    return s;
  }

  std::vector<Tape<S>> tapes;                // a block
  std::vector<Matrix<S>> ends, after_norm;   // a block: z where its solve ended; a norm: z on its base side
  std::vector<Matrix<S>> block_probes;
  std::vector<Seeds<S>> seeds;               // a block
  Matrix<S> z, z_bar, c_bar;
  DiscreteAdjoint<S> discrete;
  ContinuousAdjoint<S> continuous;
};

}  // namespace

const std::vector<std::string>& adjoint_names() {
  static const std::vector<std::string> names = {"discrete", "checkpointed", "backsolve"};
  return names;
}
AdjointKind parse_adjoint(const std::string& name) {
  return parse_named<AdjointKind>("adjoint", name, adjoint_names());
}
std::string to_string(AdjointKind kind) { return adjoint_names()[static_cast<std::size_t>(kind)]; }

template <class S> struct NllGradientSolver<S>::Impl {
  explicit Impl(const GradientOptions& o) : options(o), regularizer(o.regularizers, o.trace.kind) {
    o.solver.check();
    require(o.tile >= 1, "tile", o.tile, ">= 1");
    tableau = find_tableau(o.solver.stepper);
    if (!tableau && o.adjoint == AdjointKind::discrete)
      throw InputError("solver.stepper = " + to_string(o.solver.stepper) +
                       ": has no tableau to reverse; expected a Runge-Kutta method, or adjoint = backsolve");
    penalty = o.regularizers.any() ? &regularizer : nullptr;
  }

  void run_tile(const Flow<S>& flow, ConstMatrixRef<double> x, ConstMatrixRef<double> c, std::uint64_t iteration,
                const Tiles& tiles, Index tile, Worker<S>& w, TileResult<S>& out, NllGradient& all);
  bool forward(const Flow<S>& flow, std::uint64_t iteration, Index tile, Worker<S>& w, TileResult<S>& out);
  bool backward(const Flow<S>& flow, const FlowLayout& at, Worker<S>& w, TileResult<S>& out);
  void norm_forward(const Flow<S>& flow, std::size_t i, Worker<S>& w, TileResult<S>& out);
  void norm_backward(const Flow<S>& flow, const FlowLayout& at, std::size_t i, Worker<S>& w, TileResult<S>& out);

  GradientOptions options;
  Regularizer<S> regularizer;
  const Integrand<S>* penalty = nullptr;
  const Tableau* tableau = nullptr;
  std::vector<Worker<S>> workers;
  std::vector<TileResult<S>> results;
  std::vector<double> first_steps;  // a tile's blocks, tile after tile
};

template <class S>
void NllGradientSolver<S>::Impl::norm_forward(const Flow<S>& flow, std::size_t i, Worker<S>& w, TileResult<S>& out) {
  if (flow.norms.empty()) return;
  const auto& norm = flow.norms[i];
  const Matrix<double> x = w.z.template cast<double>();
  out.sum[i] = x.rowwise().sum();
  const Vector<double> centre = out.sum[i] / static_cast<double>(x.cols());
  out.squares[i] = (x.colwise() - centre).rowwise().squaredNorm();
  const Vector<S> slope = norm.slope().template cast<S>(), shift = norm.shift().template cast<S>();
  w.z = (w.z.array().colwise() * slope.array()).colwise() + shift.array();
  w.after_norm[i] = w.z;
  out.log_prob += norm.log_slope() * static_cast<double>(x.cols());
}

// y = slope x + shift with log|slope| in log p; by log_weight: dy = y - bias, d log p = 1.
template <class S>
void NllGradientSolver<S>::Impl::norm_backward(const Flow<S>& flow, const FlowLayout& at, std::size_t i, Worker<S>& w,
                                               TileResult<S>& out) {
  if (flow.norms.empty()) return;
  const auto& norm = flow.norms[i];
  const Index d = flow.dim(), batch = w.z_bar.cols();
  const Matrix<double> y_bar = w.z_bar.template cast<double>(), y = w.after_norm[i].template cast<double>();
  out.rest.segment(at.norm[i] - at.norm[0], d) +=
      (y_bar.array() * (y.colwise() - norm.bias).array()).matrix().rowwise().sum() -
      Vector<double>::Constant(d, static_cast<double>(batch));
  out.rest.segment(at.norm[i] - at.norm[0] + d, d) += y_bar.rowwise().sum();
  const Vector<S> slope = norm.slope().template cast<S>();
  w.z_bar = w.z_bar.array().colwise() * slope.array();
}

// From the data to the base, keeping what the way back needs; false if a solve failed.
template <class S>
bool NllGradientSolver<S>::Impl::forward(const Flow<S>& flow, std::uint64_t iteration, Index tile, Worker<S>& w,
                                         TileResult<S>& out) {
  const std::size_t n = flow.blocks.size();
  const Index d = w.z.rows(), batch = w.z.cols();
  norm_forward(flow, n, w, out);
  for (std::size_t i = n; i-- > 0;) {
    const auto& cnf = flow.blocks[i];
    Engine engine = make_stream(options.seed, "train.probes", iteration * n + i, static_cast<std::uint64_t>(tile));
    w.seeds[i] = make_seeds<S>(options.trace, d, batch, engine, w.block_probes[i]);
    w.state.resize(Augmented<S>::layout(d, batch, true, penalty != nullptr));
    w.state.flat().setZero();
    w.state.block(0) = w.z;
    const double t0 = cnf.data_time(), t1 = cnf.base_time();
    Augmented<S> system(*cnf.field, w.seeds[i], w.condition, w.workspace, penalty, t1 < t0 ? S(-1) : S(1));
    w.tapes[i].clear();
    // backsolve keeps no step.
    auto* tape = options.adjoint == AdjointKind::backsolve ? nullptr : &w.tapes[i];
    double& first = first_steps[static_cast<std::size_t>(tile) * n + i];
    const auto report = w.solver.solve(system, w.state, t0, t1, tape, first);
    out.report.add(report);
    if (!out.report.ok()) return false;
    first = report.first_step;
    w.z = w.state.block(0);
    w.ends[i] = w.z;
    out.log_prob -= w.state.block(1).template cast<double>().sum();
    if (penalty) out.penalty += w.state.block(2).template cast<double>().sum();
    norm_forward(flow, i, w, out);
  }
  return true;
}

template <class S>
bool NllGradientSolver<S>::Impl::backward(const Flow<S>& flow, const FlowLayout& at, Worker<S>& w, TileResult<S>& out) {
  for (std::size_t i = 0; i < flow.blocks.size(); ++i) {
    norm_backward(flow, at, i, w, out);
    const auto& cnf = flow.blocks[i];
    const BlockProblem<S> problem{*cnf.field, w.seeds[i], w.condition, penalty, cnf.data_time(), cnf.base_time()};
    BlockCotangent<S> to{w.z_bar, out.theta.segment(at.field[i], options.parameters ? cnf.field->theta().size() : 0),
                         w.c_bar};
    if (options.adjoint == AdjointKind::discrete) {
      out.backward.add(w.discrete.reverse(problem, *tableau, w.tapes[i], to, w.workspace));
    } else {
      const auto* tape = options.adjoint == AdjointKind::checkpointed ? &w.tapes[i] : nullptr;
      out.backward.add(w.continuous.reverse(problem, w.ends[i], tape, to, w.workspace));
    }
    if (!out.backward.ok()) return false;
    out.data_time[i] = to.t0, out.base_time[i] = to.t1;
  }
  norm_backward(flow, at, flow.blocks.size(), w, out);
  return true;
}

template <class S>
void NllGradientSolver<S>::Impl::run_tile(const Flow<S>& flow, ConstMatrixRef<double> x, ConstMatrixRef<double> c,
                                          std::uint64_t iteration, const Tiles& tiles, Index tile, Worker<S>& w,
                                          TileResult<S>& out, NllGradient& all) {
  const auto at = flow.layout();
  const std::size_t blocks = flow.blocks.size();
  const Index begin = tiles.begin(tile), batch = tiles.batch(tile), rest = at.norm.empty() ? at.base : at.norm[0];
  w.tapes.resize(blocks), w.ends.resize(blocks), w.block_probes.resize(blocks), w.seeds.resize(blocks);
  w.after_norm.resize(flow.norms.size());
  out.sum.resize(flow.norms.size()), out.squares.resize(flow.norms.size());
  out.base_time.assign(blocks, 0), out.data_time.assign(blocks, 0);
  out.theta.setZero(rest), out.rest.setZero(at.size - rest);
  out.report = out.backward = {};
  out.log_prob = -flow.log_scale(x.middleCols(begin, batch)).sum(), out.penalty = 0;
  w.condition = flow.standardized_condition(c, begin, batch);
  w.c_bar.setZero(w.condition.rows(), w.condition.cols());
  w.z = flow.standardized(x.middleCols(begin, batch));

  if (!forward(flow, iteration, tile, w, out)) return;
  const Matrix<double> z = w.z.template cast<double>();
  Matrix<double> z_bar(z.rows(), z.cols());
  out.log_prob += flow.base->log_density(z).sum();
  flow.base->pullback(z, -1, z_bar, out.rest.tail(at.size - at.base));
  w.z_bar = z_bar.template cast<S>();
  if (!backward(flow, at, w, out)) return;
  const double weight = 1 / static_cast<double>(tiles.n);
  all.z.middleCols(begin, batch) = weight * w.z_bar.template cast<double>();
  if (w.c_bar.rows() > 0)
    all.condition.middleCols(begin, batch) =
        (weight * w.c_bar.template cast<double>().array()).colwise() / flow.condition_scale.array();
}

template <class S> NllGradientSolver<S>::NllGradientSolver(const GradientOptions& o)
    : impl_(std::make_unique<Impl>(o)) {}
template <class S> NllGradientSolver<S>::~NllGradientSolver() = default;
template <class S> NllGradientSolver<S>::NllGradientSolver(NllGradientSolver&&) noexcept = default;
template <class S> const std::vector<double>& NllGradientSolver<S>::first_steps() const { return impl_->first_steps; }
template <class S> void NllGradientSolver<S>::set_first_steps(std::vector<double> steps) {
  impl_->first_steps = std::move(steps);
}

namespace {

// Chan, Golub & LeVeque 1983: the tiles' sums of squares about one mean.
template <class S>
NormStatistics combine(const std::vector<TileResult<S>>& results, const Tiles& tiles, std::size_t norm) {
  const double n = static_cast<double>(tiles.n);
  Vector<double> sum = results[0].sum[norm], squares = results[0].squares[norm];
  for (std::size_t i = 1; i < results.size(); ++i) sum += results[i].sum[norm], squares += results[i].squares[norm];
  const Vector<double> mean = sum / n;
  for (std::size_t i = 0; i < results.size(); ++i) {
    const double batch = static_cast<double>(tiles.batch(static_cast<Index>(i)));
    squares.array() += batch * (results[i].sum[norm] / batch - mean).array().square();
  }
  return {mean, squares / std::max(1.0, n - 1)};
}

// sqrt(T)'s gradient from those of the block's two ends: T is the time that is not 0.
template <class S> double root_time_gradient(const Cnf<S>& cnf, double base_time, double data_time) {
  return 2 * std::sqrt(cnf.end_time) * (cnf.clock == FieldClock::data_to_base ? base_time : data_time);
}

}  // namespace

template <class S>
NllGradient NllGradientSolver<S>::operator()(const Flow<S>& flow, ConstMatrixRef<double> x, ConstMatrixRef<double> c,
                                             std::uint64_t iteration) {
  auto& m = *impl_;
  const Index n = x.cols();
  if (x.rows() != flow.dim() || n < 1) throw InputError("batch: must have at least one point of the model's dimension");
  if (c.rows() != flow.condition_dim() || (c.rows() > 0 && c.cols() != n))
    throw InputError("batch: must have a condition of the model's dimension for each point");
  for (const auto& block : flow.blocks)
    if (m.options.regularizers.needs_potential() && !block.field->has_potential())
      throw InputError("objective.hjb: needs the gradient of a potential; expected model.field = potential");
  const Tiles tiles{n, m.options.tile};
  const auto at = flow.layout();
  const std::size_t blocks = flow.blocks.size();
  while (static_cast<int>(m.workers.size()) < thread_count()) m.workers.emplace_back(m.options);
  m.results.resize(static_cast<std::size_t>(tiles.count()));
  m.first_steps.resize(m.results.size() * blocks, 0);
  NllGradient out;
  out.z.resize(flow.dim(), n);
  out.condition.resize(c.rows(), n);
  parallel_for(tiles.count(), [&](Index tile, int id) {
    m.run_tile(flow, x, c, iteration, tiles, tile, m.workers[static_cast<std::size_t>(id)],
               m.results[static_cast<std::size_t>(tile)], out);
  });

  const double weight = 1 / static_cast<double>(n);
  out.theta.setZero(at.size);
  out.base_time.assign(blocks, 0), out.data_time.assign(blocks, 0);
  double log_prob = 0;
  for (const auto& r : m.results) {
    out.report.add(r.report);
    if (r.report.ok()) out.backward.add(r.backward);
    if (!r.report.ok() || !r.backward.ok()) continue;
    log_prob += r.log_prob, out.penalty += weight * r.penalty;
    out.theta.head(r.theta.size()) += r.theta.template cast<double>();
    out.theta.tail(r.rest.size()) += r.rest;
    for (std::size_t i = 0; i < blocks; ++i)
      out.base_time[i] += weight * r.base_time[i], out.data_time[i] += weight * r.data_time[i];
  }
  for (const auto* report : {&out.report, &out.backward})
    if (!report->ok()) throw NumericalError(report->advice());
  out.theta *= weight;
  for (std::size_t i = 0; i < blocks; ++i)
    if (at.root_time[i] >= 0 && m.options.parameters)
      out.theta[at.root_time[i]] = root_time_gradient(flow.blocks[i], out.base_time[i], out.data_time[i]);
  for (std::size_t i = 0; i < flow.norms.size(); ++i) out.norms.push_back(combine(m.results, tiles, i));
  out.nll = -log_prob * weight;
  out.nfe = static_cast<double>(out.report.evaluations) / static_cast<double>(tiles.count());
  out.backward_nfe = static_cast<double>(out.backward.evaluations) / static_cast<double>(tiles.count());
  return out;
}

template <class S>
NllGradient nll_gradient(const Flow<S>& flow, ConstMatrixRef<double> x, ConstMatrixRef<double> c,
                         const GradientOptions& options) {
  return NllGradientSolver<S>(options)(flow, x, c, options.iteration);
}

template class NllGradientSolver<float>;
template class NllGradientSolver<double>;
template NllGradient nll_gradient<float>(const Flow<float>&, ConstMatrixRef<double>, ConstMatrixRef<double>,
                                         const GradientOptions&);
template NllGradient nll_gradient<double>(const Flow<double>&, ConstMatrixRef<double>, ConstMatrixRef<double>,
                                          const GradientOptions&);

}  // namespace pathline

#include "pathline/objective/nll_gradient.hpp"

#include "core/option_check.hpp"
#include "core/tile.hpp"
#include "pathline/core/error.hpp"
#include "pathline/core/parallel.hpp"
#include "trace/probe_memory.hpp"

namespace pathline {
namespace {

// The contribution of one tile to the batch.
struct TileResult {
  double log_prob = 0, penalty = 0;  // sums over the samples
  Vector<double> theta;
  std::vector<EndTimes> ends;
  std::vector<Vector<double>> sum, squares;  // of each transform that gathers statistics
  SolveReport report, backward;
};

template <class S> struct Worker {
  TransformScratch<S> scratch;
  TransformScratch<double> data_scratch;
  ChainTape<S> tape;
  ChainTape<double> data_tape;
  Matrix<S> z, condition, c_bar;
  Matrix<double> x, no_condition;
  RowVector<double> log_det, log_det_bar;
  Vector<double> base_theta;
};

// What the transforms of one tile see: those to the data's units, and those of the chain.
template <class S> struct TileContexts {
  TransformContext<double> data;
  TransformContext<S> chain;
};

// Takes the points of the tile in w.x to the base, w.z, and adds up log|det|, the penalties and the statistics.
template <class S> void to_base(const Flow<S>& flow, const TileContexts<S>& contexts, Worker<S>& w, TileResult& out) {
  // The data side is recorded only if it has parameters.
  const bool records = flow.data_side.parameter_count() > 0;
  flow.data_side.apply(Direction::data_to_base, w.x, &w.log_det, contexts.data, records ? &w.data_tape : nullptr);
  out.log_prob = w.log_det.sum();
  w.z = w.x.template cast<S>();
  out.report = flow.chain.apply(Direction::data_to_base, w.z, &w.log_det, contexts.chain, &w.tape);
  if (!out.report.ok()) return;
  const auto& tapes = w.tape.transforms();
  out.sum.resize(tapes.size()), out.squares.resize(tapes.size());
  for (std::size_t i = tapes.size(); i-- > 0;) {
    out.log_prob += tapes[i]->log_det, out.penalty += tapes[i]->penalty;
    if (flow.chain[i].gathers()) out.sum[i] = tapes[i]->sum, out.squares[i] = tapes[i]->squares;
  }
}

// Adds the log-density of the base, and pulls the gradient of the loss back to the data's end of the chain, w.x.
template <class S> void from_base(const Flow<S>& flow, const GradientOptions& options, const TileContexts<S>& contexts,
                                  Worker<S>& w, TileResult& out) {
  const Matrix<double> z0 = w.z.template cast<double>(), c0 = w.condition.template cast<double>();
  out.log_prob += flow.base->log_density(z0, c0).sum();
  // This array is separate, with room in front for all parameters except those of solves, because the rounding of a sum
  // depends on the address of its first element.
  const Index base = flow.base->theta().size(), inner = flow.chain.parameter_count();
  w.base_theta.setZero(out.theta.size() - flow.chain.solved_parameter_count());
  flow.base->pullback(z0, c0, -1, w.x, w.base_theta.tail(options.base ? base : 0));
  out.theta.tail(base) = w.base_theta.tail(base);
  w.z = w.x.template cast<S>();
  out.backward = flow.chain.pullback(
      w.tape, {w.z, w.log_det_bar, out.theta.head(options.parameters ? inner : 0), w.c_bar, out.ends.data()},
      contexts.chain);
  if (!out.backward.ok()) return;
  if (flow.base->condition_dim() > 0) w.c_bar += flow.base->condition_pullback(z0, c0, -1).template cast<S>();
  w.x = w.z.template cast<double>();
}

}  // namespace

template <class S> struct NllGradientSolver<S>::Impl {
  explicit Impl(const GradientOptions& o) : options(o), regularizer(o.regularizers, o.trace.kind) {
    o.solver.check();
    o.trace.check();
    require(o.tile >= 0, "tile", o.tile, ">= 0");
    require(o.iteration == 0, "iteration", o.iteration, "0; the call takes the iteration as an argument");
    check_adjoint(o.adjoint, o.solver);
    solve = {o.solver, o.trace, o.adjoint, o.regularizers.any() ? &regularizer : nullptr};
  }

  void run_tile(const Flow<S>& flow, ConstMatrixRef<double> x, ConstMatrixRef<double> c, std::uint64_t iteration,
                const Tiles& tiles, Index tile, Worker<S>& w, TileResult& out, NllGradient& all);

  GradientOptions options;
  Regularizer<S> regularizer;
  SolveOptions<S> solve;
  SolveOptions<double> data_solve;  // the data side has no solve
  std::vector<Worker<S>> workers;
  std::vector<TileResult> results;
  std::vector<double> first_steps;  // of each solve, tile after tile
};

template <class S> void NllGradientSolver<S>::Impl::run_tile(const Flow<S>& flow, ConstMatrixRef<double> x,
                                                             ConstMatrixRef<double> c, std::uint64_t iteration,
                                                             const Tiles& tiles, Index tile, Worker<S>& w,
                                                             TileResult& out, NllGradient& all) {
  const Index begin = tiles.begin(tile), batch = tiles.batch(tile);
  const Index inner = flow.chain.parameter_count(), outer = flow.data_side.parameter_count();
  const std::size_t solves = flow.chain.solves();
  out.theta.setZero(inner + outer + flow.base->theta().size());
  out.ends.assign(solves, {});
  out.report = out.backward = {};
  out.penalty = 0;
  w.condition = flow.standardized_condition(c, begin, batch);
  w.c_bar.setZero(w.condition.rows(), w.condition.cols());
  w.log_det.setZero(batch), w.log_det_bar.setConstant(batch, -1);
  const ProbeStream probes{.seed = options.seed,
                           .purpose = "train.probes",
                           .i = iteration * solves,
                           .j = static_cast<std::uint64_t>(tile),
                           .i_step = 1,
                           .j_step = 0};
  const TileContexts<S> contexts{{w.data_scratch, data_solve, w.no_condition, begin},
                                 {w.scratch, solve, w.condition, begin, probes,
                                  solves > 0 ? &first_steps[static_cast<std::size_t>(tile) * solves] : nullptr}};

  w.x = x.middleCols(begin, batch);
  to_base(flow, contexts, w, out);
  if (!out.report.ok()) return;
  from_base(flow, options, contexts, w, out);
  if (!out.backward.ok()) return;
  const double weight = 1 / static_cast<double>(tiles.n);
  all.z.middleCols(begin, batch) = weight * w.x;
  if (w.c_bar.rows() > 0)
    all.condition.middleCols(begin, batch) =
        (weight * w.c_bar.template cast<double>().array()).colwise() / flow.condition_scale.array();
  if (outer > 0 && options.parameters)
    flow.data_side.pullback(w.data_tape, {w.x, w.log_det_bar, out.theta.segment(inner, outer), w.no_condition},
                            contexts.data);
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

// Merges the sums of squares of the tiles about one common mean (Chan, Golub & LeVeque 1983).
BatchStatistics combine(const std::vector<TileResult>& results, const Tiles& tiles, std::size_t transform) {
  const double n = static_cast<double>(tiles.n);
  Vector<double> sum = results[0].sum[transform], squares = results[0].squares[transform];
  for (std::size_t i = 1; i < results.size(); ++i)
    sum += results[i].sum[transform], squares += results[i].squares[transform];
  const Vector<double> mean = sum / n;
  for (std::size_t i = 0; i < results.size(); ++i) {
    const double batch = static_cast<double>(tiles.batch(static_cast<Index>(i)));
    squares.array() += batch * (results[i].sum[transform] / batch - mean).array().square();
  }
  return {mean, squares / std::max(1.0, n - 1)};
}

}  // namespace

template <class S> NllGradient NllGradientSolver<S>::operator()(const Flow<S>& flow, ConstMatrixRef<double> x,
                                                                ConstMatrixRef<double> c, std::uint64_t iteration) {
  auto& m = *impl_;
  const Index n = x.cols();
  if (x.rows() != flow.dim() || n < 1)
    throw InputError("the batch must have at least one point of the dimension of the model");
  if (c.rows() != flow.condition_dim() || (c.rows() > 0 && c.cols() != n))
    throw InputError("the batch must have one condition per point, of the dimension of the model");
  flow.chain.check(m.solve);
  const Tiles tiles{n, tile_size(m.options.tile, n)};
  check_probe_memory(m.solve.trace, flow.dim(), tiles.size);
  const std::size_t solves = flow.chain.solves();
  while (static_cast<int>(m.workers.size()) < thread_count(m.options.threads)) m.workers.emplace_back();
  m.results.resize(static_cast<std::size_t>(tiles.count()));
  m.first_steps.resize(m.results.size() * solves, 0);
  NllGradient out;
  out.z.resize(flow.dim(), n);
  out.condition.resize(c.rows(), n);
  parallel_for(tiles.count(), m.options.threads, [&](Index tile, int id) {
    m.run_tile(flow, x, c, iteration, tiles, tile, m.workers[static_cast<std::size_t>(id)],
               m.results[static_cast<std::size_t>(tile)], out);
  });

  const double weight = 1 / static_cast<double>(n);
  out.theta.setZero(flow.layout().size);
  out.ends.assign(solves, {});
  double log_prob = 0;
  for (const auto& r : m.results) {
    out.report.add(r.report);
    if (r.report.ok()) out.backward.add(r.backward);
    if (!r.report.ok() || !r.backward.ok()) continue;
    log_prob += r.log_prob, out.penalty += weight * r.penalty;
    out.theta += r.theta;
    for (std::size_t i = 0; i < solves; ++i)
      out.ends[i].base += weight * r.ends[i].base, out.ends[i].data += weight * r.ends[i].data;
  }
  for (const auto* report : {&out.report, &out.backward})
    if (!report->ok()) throw NumericalError(report->advice());
  out.theta *= weight;
  if (m.options.parameters)
    flow.chain.add_time_gradient(out.ends, out.theta.head(flow.chain.parameter_count()));
  else
    out.theta.setZero();
  out.statistics.resize(flow.chain.size());
  for (std::size_t i = 0; i < flow.chain.size(); ++i)
    if (flow.chain[i].gathers()) out.statistics[i] = combine(m.results, tiles, i);
  out.nll = -log_prob * weight;
  out.nfe = static_cast<double>(out.report.evaluations) / static_cast<double>(tiles.count());
  out.backward_nfe = static_cast<double>(out.backward.evaluations) / static_cast<double>(tiles.count());
  return out;
}

template <class S> NllGradient nll_gradient(const Flow<S>& flow, ConstMatrixRef<double> x, ConstMatrixRef<double> c,
                                            const GradientOptions& options) {
  auto of_solver = options;
  of_solver.iteration = 0;
  return NllGradientSolver<S>(of_solver)(flow, x, c, options.iteration);
}

template class NllGradientSolver<float>;
template class NllGradientSolver<double>;
template NllGradient nll_gradient<float>(const Flow<float>&, ConstMatrixRef<double>, ConstMatrixRef<double>,
                                         const GradientOptions&);
template NllGradient nll_gradient<double>(const Flow<double>&, ConstMatrixRef<double>, ConstMatrixRef<double>,
                                          const GradientOptions&);

}  // namespace pathline

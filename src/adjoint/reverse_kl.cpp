#include "pathline/adjoint/reverse_kl.hpp"

#include <cmath>

#include "adjoint/discrete.hpp"
#include "flow/tile.hpp"
#include "pathline/core/error.hpp"

namespace pathline {
namespace {

GradientOptions score_options(GradientOptions o) {
  o.parameters = false;
  return o;
}

// What a tile keeps between the way out and the way back.
template <class S> struct Path {
  std::vector<Tape<S>> tapes;  // a block
  Matrix<S> z;                 // at the data, d x B
  Vector<S> theta;
  std::vector<double> data_time;
  SolveReport report, backward;
};

template <class S> struct PathWorker : TileWorker<S> {
  explicit PathWorker(const SolverOptions& o) : TileWorker<S>(o) {}
  DiscreteAdjoint<S> discrete;
  Matrix<S> z_bar, c_bar;
};

}  // namespace

template <class S> struct ReverseKlSolver<S>::Impl {
  Impl(Target t, const GradientOptions& o) : target(std::move(t)), options(o), score(score_options(o)) {
    if (o.adjoint != AdjointKind::discrete)
      throw InputError("solver.adjoint = " + to_string(o.adjoint) + ": reverse KL needs discrete");
    if (o.regularizers.any()) throw InputError("objective: reverse_kl takes no regularizer");
    tableau = find_tableau(o.solver.stepper);
  }

  void check(const Flow<S>& flow) const;
  void outward(const Flow<S>& flow, const Tiles& tiles, Index tile, std::uint64_t iteration, PathWorker<S>& w,
               Path<S>& path);
  void backward(const Flow<S>& flow, const FlowLayout& at, ConstMatrixRef<double> z_bar, PathWorker<S>& w,
                Path<S>& path);

  Target target;
  GradientOptions options;
  NllGradientSolver<S> score;
  const Tableau* tableau = nullptr;
  std::vector<PathWorker<S>> workers;
  std::vector<Path<S>> paths;  // a tile
};

template <class S> void ReverseKlSolver<S>::Impl::check(const Flow<S>& flow) const {
  if (flow.dim() != target.dim)
    throw InputError("target: has " + std::to_string(target.dim) + " dimensions; the flow has " +
                     std::to_string(flow.dim()));
  if (flow.condition_dim() > 0 || !flow.norms.empty() || flow.logit > 0)
    throw InputError("reverse KL: takes no condition, batch norm or logit");
  if (flow.base->kind() == BaseKind::uniform)
    throw InputError(
        "reverse KL: the path gradient leaves out what crosses a box's edge; expected another base than uniform");
}

template <class S>
void ReverseKlSolver<S>::Impl::outward(const Flow<S>& flow, const Tiles& tiles, Index tile, std::uint64_t iteration,
                                       PathWorker<S>& w, Path<S>& path) {
  const Index d = flow.dim(), batch = tiles.batch(tile);
  Engine engine = make_stream(options.seed, "reverse_kl.draw", iteration, static_cast<std::uint64_t>(tile));
  Matrix<double> z(d, batch);
  flow.base->sample(engine, z);
  w.condition.resize(0, batch);
  path.tapes.resize(flow.blocks.size());
  path.report = {};
  w.state.resize(Augmented<S>::layout(d, batch, false));
  w.state.block(0) = z.template cast<S>();
  for (std::size_t i = 0; i < flow.blocks.size(); ++i) {
    const auto& cnf = flow.blocks[i];
    const Seeds<S> none;
    Augmented<S> system(*cnf.field, none, w.condition, w.workspace);
    path.tapes[i].clear();
    path.report.add(w.solver.solve(system, w.state, cnf.base_time(), cnf.data_time(), &path.tapes[i]));
    if (!path.report.ok()) return;
  }
  path.z = w.state.block(0);
}

template <class S>
void ReverseKlSolver<S>::Impl::backward(const Flow<S>& flow, const FlowLayout& at, ConstMatrixRef<double> z_bar,
                                        PathWorker<S>& w, Path<S>& path) {
  path.theta.setZero(at.norm.empty() ? at.base : at.norm[0]);
  path.data_time.assign(flow.blocks.size(), 0);
  path.backward = {};
  w.condition.resize(0, z_bar.cols());
  w.c_bar.setZero(0, z_bar.cols());
  w.z_bar = z_bar.template cast<S>();
  const Seeds<S> none;
  for (std::size_t i = flow.blocks.size(); i-- > 0;) {
    const auto& cnf = flow.blocks[i];
    const BlockProblem<S> problem{*cnf.field, none, w.condition, nullptr, cnf.base_time(), cnf.data_time()};
    BlockCotangent<S> to{w.z_bar, path.theta.segment(at.field[i], cnf.field->theta().size()), w.c_bar};
    path.backward.add(w.discrete.reverse(problem, *tableau, path.tapes[i], to, w.workspace));
    path.data_time[i] = cnf.clock == FieldClock::base_to_data ? to.t1 : to.t0;
  }
}

template <class S>
ReverseKlSolver<S>::ReverseKlSolver(Target target, const GradientOptions& options)
    : impl_(std::make_unique<Impl>(std::move(target), options)) {}
template <class S> ReverseKlSolver<S>::~ReverseKlSolver() = default;
template <class S> const std::vector<double>& ReverseKlSolver<S>::first_steps() const {
  return impl_->score.first_steps();
}
template <class S> void ReverseKlSolver<S>::set_first_steps(std::vector<double> steps) {
  impl_->score.set_first_steps(std::move(steps));
}

template <class S>
ReverseKlGradient ReverseKlSolver<S>::operator()(const Flow<S>& flow, Index n, std::uint64_t iteration,
                                                 double power) {
  auto& m = *impl_;
  m.check(flow);
  if (n < 1) throw InputError("reverse KL: expected at least one draw");
  const Tiles tiles{n, m.options.tile};
  const auto at = flow.layout();
  while (static_cast<int>(m.workers.size()) < thread_count()) m.workers.emplace_back(m.options.solver);
  m.paths.resize(static_cast<std::size_t>(tiles.count()));
  parallel_for(tiles.count(), [&](Index tile, int id) {
    m.outward(flow, tiles, tile, iteration, m.workers[static_cast<std::size_t>(id)],
              m.paths[static_cast<std::size_t>(tile)]);
  });
  SolveReport report, backward;
  Matrix<double> z(flow.dim(), n);
  for (Index tile = 0; tile < tiles.count(); ++tile) {
    const auto& path = m.paths[static_cast<std::size_t>(tile)];
    report.add(path.report);
    if (path.report.ok()) z.middleCols(tiles.begin(tile), tiles.batch(tile)) = path.z.template cast<double>();
  }
  if (!report.ok()) throw NumericalError(report.advice());

  // d(log q - log p~)/dz at fixed theta; the mean of -log q has the scores, over n.
  const Matrix<double> x = flow.unstandardized(z);
  const Matrix<double> none(0, n);
  const auto q = m.score(flow, x, none, iteration);
  Matrix<double> slope;
  const RowVector<double> p = power * m.target.log_density(x, &slope);
  slope *= power;
  if (!p.allFinite() || !slope.allFinite()) throw NumericalError("the target or its gradient is not finite at a draw");
  const Matrix<double> z_bar =
      -q.z - ((slope.array().colwise() * flow.scale.array()) / static_cast<double>(n)).matrix();

  parallel_for(tiles.count(), [&](Index tile, int id) {
    m.backward(flow, at, z_bar.middleCols(tiles.begin(tile), tiles.batch(tile)),
               m.workers[static_cast<std::size_t>(id)], m.paths[static_cast<std::size_t>(tile)]);
  });
  ReverseKlGradient out;
  out.theta.setZero(at.size);
  for (const auto& path : m.paths) {
    out.theta.head(path.theta.size()) += path.theta.template cast<double>();
    backward.add(path.backward);
    for (std::size_t i = 0; i < flow.blocks.size(); ++i)
      if (at.root_time[i] >= 0)
        out.theta[at.root_time[i]] += 2 * std::sqrt(flow.blocks[i].end_time) * path.data_time[i];
  }
  const double count = static_cast<double>(tiles.count());
  out.loss = -q.nll - p.mean();
  out.nfe = static_cast<double>(report.evaluations) / count + q.nfe;
  out.backward_nfe = static_cast<double>(backward.evaluations) / count + q.backward_nfe;
  return out;
}

template class ReverseKlSolver<float>;
template class ReverseKlSolver<double>;

}  // namespace pathline

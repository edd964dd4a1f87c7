#include "pathline/objective/reverse_kl.hpp"

#include <fmt/format.h>

#include "core/tile.hpp"
#include "pathline/core/error.hpp"
#include "pathline/core/parallel.hpp"

namespace pathline {
namespace {

GradientOptions score_options(GradientOptions o) {
  o.parameters = false;
  return o;
}

// What the pullback of a tile needs from the solve towards the data.
template <class S> struct Path {
  ChainTape<S> tape;
  Matrix<S> z;  // at the data's end of the chain, d x B
  Vector<double> theta;
  std::vector<EndTimes> ends;
  SolveReport report, backward;
};

template <class S> struct PathWorker {
  TransformScratch<S> scratch;
  Matrix<S> z, c_bar, no_condition;
};

}  // namespace

template <class S> struct ReverseKlSolver<S>::Impl {
  Impl(Target t, const GradientOptions& o) : target(std::move(t)), options(o), score(score_options(o)) {
    if (o.adjoint != AdjointKind::discrete)
      throw InputError("adjoint = " + to_string(o.adjoint) + ": reverse KL needs the discrete adjoint");
    if (o.regularizers.any()) throw InputError("regularizers: reverse KL does not support them");
    solve = {o.solver, o.trace, o.adjoint, nullptr};
  }

  void check(const Flow<S>& flow) const;
  void outward(const Flow<S>& flow, const Tiles& tiles, Index tile, std::uint64_t iteration, PathWorker<S>& w,
               Path<S>& path);
  void backward(const Flow<S>& flow, ConstMatrixRef<double> z_bar, PathWorker<S>& w, Path<S>& path);

  Target target;
  GradientOptions options;
  NllGradientSolver<S> score;
  SolveOptions<S> solve;
  std::vector<PathWorker<S>> workers;
  std::vector<Path<S>> paths;  // one per tile
};

template <class S> void ReverseKlSolver<S>::Impl::check(const Flow<S>& flow) const {
  if (flow.dim() != target.dim)
    throw InputError("target: has " + std::to_string(target.dim) + " dimensions; the flow has " +
                     std::to_string(flow.dim()));
  if (flow.condition_dim() > 0 || !flow.norms().empty() || flow.logit() > 0 || flow.bounds() || flow.linear())
    throw InputError("reverse KL does not support a condition, batch norm, logit or bounds");
  if (flow.base->kind() == BaseKind::uniform)
    throw InputError(
        "reverse KL: the path gradient misses the mass that crosses the edge of a uniform base; use another base");
}

template <class S> void ReverseKlSolver<S>::Impl::outward(const Flow<S>& flow, const Tiles& tiles, Index tile,
                                                          std::uint64_t iteration, PathWorker<S>& w, Path<S>& path) {
  Engine engine = make_stream(options.seed, "reverse_kl.draw", iteration, static_cast<std::uint64_t>(tile));
  Matrix<double> z(flow.dim(), tiles.batch(tile));
  flow.base->sample(engine, z);
  path.z = z.template cast<S>();
  w.no_condition.resize(0, z.cols());
  path.report =
      flow.chain.apply(Direction::base_to_data, path.z, nullptr, {w.scratch, solve, w.no_condition}, &path.tape);
}

template <class S> void ReverseKlSolver<S>::Impl::backward(const Flow<S>& flow, ConstMatrixRef<double> z_bar,
                                                           PathWorker<S>& w, Path<S>& path) {
  path.ends.assign(flow.chain.solves(), {});
  path.theta.setZero(flow.chain.parameter_count());
  w.no_condition.resize(0, z_bar.cols()), w.c_bar.setZero(0, z_bar.cols());
  w.z = z_bar.template cast<S>();
  const RowVector<double> none = RowVector<double>::Zero(z_bar.cols());
  path.backward = flow.chain.pullback(path.tape, {w.z, none, path.theta, w.c_bar, path.ends.data()},
                                      {w.scratch, solve, w.no_condition});
}

template <class S> ReverseKlSolver<S>::ReverseKlSolver(Target target, const GradientOptions& options)
    : impl_(std::make_unique<Impl>(std::move(target), options)) {}
template <class S> ReverseKlSolver<S>::~ReverseKlSolver() = default;
template <class S> void ReverseKlSolver<S>::check(const Flow<S>& flow) const { impl_->check(flow); }
template <class S> const std::vector<double>& ReverseKlSolver<S>::first_steps() const {
  return impl_->score.first_steps();
}
template <class S> void ReverseKlSolver<S>::set_first_steps(std::vector<double> steps) {
  impl_->score.set_first_steps(std::move(steps));
}

template <class S>
ReverseKlGradient ReverseKlSolver<S>::operator()(const Flow<S>& flow, Index n, std::uint64_t iteration, double power) {
  auto& m = *impl_;
  m.check(flow);
  if (n < 1) throw InputError("reverse KL needs at least one draw");
  const Tiles tiles{n, tile_size(m.options.tile, n)};
  while (static_cast<int>(m.workers.size()) < thread_count(m.options.threads)) m.workers.emplace_back();
  m.paths.resize(static_cast<std::size_t>(tiles.count()));
  parallel_for(tiles.count(), m.options.threads, [&](Index tile, int id) {
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

  // d(log q - log p~)/dz at fixed theta. The gradient of the mean of -log q is the score divided by -n.
  const Matrix<double> x = flow.in_data_units(z);
  const Matrix<double> none(0, n);
  const auto q = m.score(flow, x, none, iteration);
  Matrix<double> slope;
  const RowVector<double> p = power * m.target.log_density(x, &slope);
  if (p.size() != n || slope.rows() != x.rows() || slope.cols() != n)
    throw InputError(
        fmt::format("target: at {} points of {} columns it gave {} log-densities and a gradient of {} x {}", n,
                    x.rows(), p.size(), slope.rows(), slope.cols()));
  slope *= power;
  if (!p.allFinite() || !slope.allFinite()) throw NumericalError("the target or its gradient is not finite at a draw");
  const Matrix<double> z_bar =
      -q.z - ((slope.array().colwise() * flow.scale().array()) / static_cast<double>(n)).matrix();

  parallel_for(tiles.count(), m.options.threads, [&](Index tile, int id) {
    m.backward(flow, z_bar.middleCols(tiles.begin(tile), tiles.batch(tile)), m.workers[static_cast<std::size_t>(id)],
               m.paths[static_cast<std::size_t>(tile)]);
  });
  ReverseKlGradient out;
  out.theta.setZero(flow.layout().size);
  for (const auto& path : m.paths) {
    out.theta.head(path.theta.size()) += path.theta;
    flow.chain.add_time_gradient(path.ends, out.theta.head(path.theta.size()));
    backward.add(path.backward);
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

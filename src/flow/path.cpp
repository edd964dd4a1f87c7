#include "pathline/flow/path.hpp"

#include <cmath>
#include <limits>

#include <fmt/format.h>
#include <Eigen/LU>

#include "core/option_check.hpp"
#include "core/tile.hpp"
#include "flow/flow_tiles.hpp"
#include "pathline/core/error.hpp"
#include "pathline/core/parallel.hpp"
#include "pathline/ode/solver.hpp"

namespace pathline {
namespace {

// At a point of the path the cotangent of f is a, and that of the trace is 1: their pullback is J^T a + grad tr J.
template <class S> class AdjointRule final : public CotangentRule<S> {
 public:
  AdjointRule(const TraceMethod<S>& method, ConstMatrixRef<S> a, MatrixRef<S> trace)
      : method_(method), a_(a), trace_(trace) {}
  void operator()(ConstMatrixRef<S>, ConstMatrixRef<S> p, MatrixRef<S> f_bar, MatrixRef<S> p_bar) override {
    f_bar = a_;
    method_.trace(p, trace_);
    method_.pullback(Matrix<S>::Ones(1, a_.cols()), p_bar);
  }

 private:
  const TraceMethod<S>& method_;
  ConstMatrixRef<S> a_;
  MatrixRef<S> trace_;
};

// The rates of [z | l | a], or of [z | l] for a state without the third block. If the clock of the block runs the other
// way, the same equations hold for its field and its time.
template <class S> class PathSystem final : public System<S> {
 public:
  PathSystem(const VectorField<S>& field, const TraceMethod<S>& method, const Matrix<S>& c, Workspace<S>& w)
      : field_(field), method_(method), c_(c), w_(w) {}

  static StateLayout layout(Index dim, Index batch, bool adjoint) {
    StateLayout out{.batch = batch, .rows = {dim, 1}, .normed = 2};
    if (adjoint) out.rows.push_back(dim), out.normed = 3;
    return out;
  }
  void rates(double t, const State<S>& x, State<S>& dxdt) override {
    typename Workspace<S>::Frame frame(w_);
    const auto z = x.block(0);
    auto f = dxdt.block(0), l = dxdt.block(1);
    auto p = w_.matrix(method_.rows(z.rows()), method_.cols(z.cols()));
    const FieldPoint<S> point{t, z, c_};
    if (x.layout().rows.size() < 3) {
      method_.evaluate(field_, point, f, p, w_);
      method_.trace(p, l);
    } else {
      auto a = dxdt.block(2);
      auto c_bar = w_.matrix(c_.rows(), c_.cols());
      c_bar.setZero();
      Vector<S> no_theta;
      double no_time = 0;
      AdjointRule<S> rule(method_, x.block(2), l);
      method_.evaluate_and_pullback(field_, point, rule, f, p, {a, c_bar, no_theta, &no_time}, w_);
      a = -a;
    }
    l = -l;
  }

 private:
  const VectorField<S>& field_;
  const TraceMethod<S>& method_;
  const Matrix<S>& c_;
  Workspace<S>& w_;
};

// Moves the points of one tile from the base to the data, and records them.
template <class S> class PathTile {
 public:
  PathTile(const Flow<S>& flow, const EvaluationOptions& options, const std::vector<double>& times, bool adjoint,
           Index begin, Paths& to)
      : flow_(flow), o_(options), times_(times), adjoint_(adjoint), begin_(begin), to_(to) {}

  SolveReport operator()(const Matrix<S>& z0, Matrix<S> condition) {
    c_ = std::move(condition), z_ = z0;
    const Matrix<double> start = z0.template cast<double>();
    const Matrix<double> c = c_.template cast<double>();
    l_ = flow_.base->log_density(start, c);
    Matrix<double> slope(start.rows(), start.cols());
    Vector<double> unused(flow_.base->theta().size());
    flow_.base->pullback(start, c, -1, slope, unused);  // the gradient of -log p0
    a_ = -slope;
    SolveReport report;
    report.status = SolveStatus::success;
    if (next_ < times_.size() && times_[next_] == 0) record();  // with the trace of the first block
    double begin = 0;
    std::uint64_t solve = 0;
    for (std::size_t i = 0; i < flow_.chain.size() && report.ok(); begin += flow_.chain[i].duration(), ++i) {
      if (flow_.chain[i].duration() == 0)
        jump(flow_.chain[i]);
      else if (const auto* block = dynamic_cast<const Cnf<S>*>(&flow_.chain[i]))
        report.add(walk(*block, begin, solve++));
      else
        throw InputError("follow_paths: a transform of kind " + flow_.chain[i].kind() + " has a duration but no field");
    }
    if (report.ok() && next_ < times_.size()) record();  // the end of the flow, after every transform
    return report;
  }

 private:
  // The state in the units of the data, at times_[next_].
  void record() {
    const auto k = static_cast<Index>(next_++);
    const Index n = z_.cols();
    auto points = to_.points[static_cast<std::size_t>(k)].middleCols(begin_, n);
    points = flow_.in_data_units(z_.template cast<double>());
    Matrix<double> y = points, a = a_;
    RowVector<double> log_det = RowVector<double>::Zero(n);
    pull(flow_.data_side, y, log_det, a);
    to_.log_prob.row(k).segment(begin_, n) = l_ + log_det;
    if (adjoint_) to_.adjoint[static_cast<std::size_t>(k)].middleCols(begin_, n) = a;
  }

  // Turns log p and its gradient before a transform into those after it. At the image y, the inverse of the transform
  // gives log|det|, and its pullback gives the gradient. On return y is the point before the transform.
  template <class T, class Map>
  void pull(const Map& map, Matrix<T>& y, RowVector<double>& log_det, Matrix<double>& a) const {
    TransformScratch<T> scratch;
    const SolveOptions<T> options;
    const Matrix<T> c = c_.template cast<T>(), none(0, 0);
    const bool conditioned = map.condition_dim() > 0;
    const TransformContext<T> context{scratch, options, conditioned ? c : none, begin_};
    Matrix<T> a_bar = a.template cast<T>(), c_bar = Matrix<T>::Zero(context.condition.rows(), context.condition.cols());
    const RowVector<double> one = RowVector<double>::Ones(y.cols());
    Vector<double> no_theta;
    if constexpr (std::is_same_v<Map, Chain<T>>) {
      ChainTape<T> tape;
      map.apply(Direction::data_to_base, y, &log_det, context, &tape);
      map.pullback(tape, {a_bar, one, no_theta, c_bar}, context);
    } else {
      const auto tape = map.make_tape();
      map.apply(Direction::data_to_base, y, &log_det, context, tape.get());
      map.pullback(Direction::data_to_base, *tape, {a_bar, one, no_theta, c_bar}, context);
    }
    a = a_bar.template cast<double>();
  }

  // Applies a transform that takes no time.
  void jump(const Transform<S>& transform) {
    TransformScratch<S> scratch;
    const SolveOptions<S> options;
    transform.apply(Direction::base_to_data, z_, nullptr, {scratch, options, c_, begin_}, nullptr);
    Matrix<S> y = z_;
    RowVector<double> log_det = RowVector<double>::Zero(z_.cols());
    pull(transform, y, log_det, a_);
    l_ += log_det;
  }

  SolveReport walk(const Cnf<S>& block, double begin, std::uint64_t solve) {
    const auto probes =
        ProbeStream{o_.seed, "flow.probes", static_cast<std::uint64_t>((o_.first + begin_) / o_.tile), 0}.of_solve(
            solve);
    Engine engine = make_stream(probes.seed, probes.purpose, probes.i, probes.j);
    Matrix<S> memory;
    const auto method = make_trace_method<S>(o_.trace, *block.field, false, z_.cols(), engine, memory);
    Workspace<S> workspace;
    PathSystem<S> system(*block.field, method, c_, workspace);
    Solver<S> solver(o_.solver);
    State<S> state(PathSystem<S>::layout(z_.rows(), z_.cols(), adjoint_)), rate = state;
    state.block(0) = z_, state.block(1) = l_.template cast<S>();
    if (adjoint_) state.block(2) = a_.template cast<S>();
    auto keep_trace = [&](std::size_t k, double since) {
      system.rates(block.at(since), state, rate);
      const S sign = block.clock == FieldClock::base_to_data ? S(-1) : S(1);
      to_.trace.row(static_cast<Index>(k)).segment(begin_, z_.cols()) = (sign * rate.block(1)).template cast<double>();
    };
    if (begin == 0 && !times_.empty() && times_[0] == 0) keep_trace(0, 0);
    const double end = begin + block.end_time, last = flow_.end_time();
    SolveReport report;
    report.status = SolveStatus::success;
    double since = 0, step = 0;
    while (since < block.end_time && report.ok()) {
      const bool stop = next_ < times_.size() && times_[next_] < end;
      const double to = stop ? times_[next_] - begin : block.end_time;
      if (to > since) {
        const auto part = solver.solve(system, state, block.at(since), block.at(to), nullptr, step);
        report.add(part), step = part.next_step, since = to;
      }
      z_ = state.block(0), l_ = state.block(1).template cast<double>();
      if (adjoint_) a_ = state.block(2).template cast<double>();
      const bool at_end = !stop && next_ < times_.size() && times_[next_] == end;
      if (report.ok() && (stop || at_end)) keep_trace(next_, since);
      if (report.ok() && (stop || (at_end && end != last))) record();
    }
    return report;
  }

  const Flow<S>& flow_;
  const EvaluationOptions& o_;
  const std::vector<double>& times_;
  bool adjoint_;
  Index begin_;
  Paths& to_;
  std::size_t next_ = 0;
  Matrix<S> z_, c_;
  RowVector<double> l_;
  Matrix<double> a_;
};

template <class S> void check_paths(const Flow<S>& flow, const Matrix<S>& z0, const std::vector<double>& times,
                                    const EvaluationOptions& o, ConstMatrixRef<double> c) {
  if (!(flow.end_time() > 0)) throw InputError("time: no transform of this flow takes time, so it has no paths");
  if (flow.periods())
    throw InputError("follow_paths: with periodic columns a density is a sum over paths, not a value along one");
  if (z0.rows() != flow.dim() || !z0.allFinite())
    throw InputError(fmt::format("z0: {} x {}: must be {} x N, finite", z0.rows(), z0.cols(), flow.dim()));
  if (c.rows() != flow.condition_dim() || (c.rows() > 0 && c.cols() != z0.cols()))
    throw InputError(
        fmt::format("the condition is {} x {}: must be {} x {}", c.rows(), c.cols(), flow.condition_dim(), z0.cols()));
  for (std::size_t k = 0; k < times.size(); ++k) {
    require(times[k] >= 0 && times[k] <= flow.end_time(), "time", times[k], fmt::format("in [0, {}]", flow.end_time()));
    if (k > 0) require(times[k] > times[k - 1], "time", times[k], fmt::format("> {}, the one before", times[k - 1]));
  }
  require(o.tile >= 1, "tile", o.tile, ">= 1");
  o.solver.check(), o.trace.check();
}

}  // namespace

template <class S> Paths follow_paths(const Flow<S>& flow, const Matrix<S>& z0, const std::vector<double>& times,
                                      bool adjoint, const EvaluationOptions& o, ConstMatrixRef<double> c) {
  check_paths(flow, z0, times, o, c);
  const Index n = z0.cols(), count = static_cast<Index>(times.size());
  Paths out;
  out.points.assign(times.size(), Matrix<double>(flow.dim(), n));
  out.log_prob.setConstant(count, n, std::nan("")), out.trace = out.log_prob;
  if (adjoint) out.adjoint = out.points;
  const Tiles tiles{n, o.tile};
  std::vector<SolveReport> reports(static_cast<std::size_t>(tiles.count()));
  parallel_for(tiles.count(), o.threads, [&](Index tile, int) {
    const Index begin = tiles.begin(tile), batch = tiles.batch(tile);
    PathTile<S> path(flow, o, times, adjoint, begin, out);
    reports[static_cast<std::size_t>(tile)] =
        path(z0.middleCols(begin, batch), flow.standardized_condition(c, begin, batch));
  });
  out.report.status = SolveStatus::success;
  for (Index tile = 0; tile < tiles.count(); ++tile) {
    const auto& report = reports[static_cast<std::size_t>(tile)];
    if (!report.ok())
      throw tile_error(o.first + tiles.begin(tile), tiles.batch(tile), report);
    out.report.add(report);
  }
  if (n > 0) out.nfe = static_cast<double>(out.report.evaluations) / static_cast<double>(tiles.count());
  return out;
}

template <class S>
Matrix<double> velocity_at(const Flow<S>& flow, double t, ConstMatrixRef<double> x, ConstMatrixRef<double> c) {
  require(t >= 0 && t <= flow.end_time(), "time", t, fmt::format("in [0, {}]", flow.end_time()));
  const Cnf<S>* block = nullptr;
  double since = 0, begin = 0;
  std::size_t last = 0;  // the transforms before this index act before the end of the block
  for (std::size_t i = 0; i < flow.chain.size(); begin += flow.chain[i].duration(), ++i)
    if (const auto* here = dynamic_cast<const Cnf<S>*>(&flow.chain[i]); here && (!block || t > begin))
      block = here, since = t - begin, last = i;
  if (!block) throw InputError("velocity: the flow solves no ODE, so that it has no vector field");
  const Index d = flow.dim(), n = x.cols();

  // The map from the units of the data to the coordinates of the block. At the end of the flow it includes the transforms
  // without duration after the block, and at the start of the flow those before the block, inverted.
  const Matrix<S> c_standard = flow.standardized_condition(c);
  auto into_block = [&](Matrix<double> y) {
    Matrix<S> z = flow.standardized(y);
    TransformScratch<S> scratch;
    const SolveOptions<S> options;
    if (t == flow.end_time())
      for (std::size_t i = flow.chain.size(); i-- > last + 1;)
        flow.chain[i].apply(Direction::data_to_base, z, nullptr, {scratch, options, c_standard}, nullptr);
    if (since == 0)
      for (std::size_t i = 0; i < last; ++i)
        flow.chain[i].apply(Direction::base_to_data, z, nullptr, {scratch, options, c_standard}, nullptr);
    return z;
  };
  const Matrix<S> z = into_block(x);
  Matrix<S> f(d, n);
  Workspace<S> workspace;
  block->field->value({block->at(since), z, c_standard}, f, workspace);
  if (block->clock == FieldClock::data_to_base) f = -f;

  // dx/dt = (dz/dx)^-1 dz/dt, where the Jacobian of these transforms comes from central differences: most are affine,
  // for which they are exact to rounding.
  const double h = std::cbrt(static_cast<double>(std::numeric_limits<S>::epsilon()));
  std::vector<Matrix<double>> columns;
  for (Index i = 0; i < d; ++i) {
    const double step = h * flow.scale()[i];
    Matrix<double> above = x, below = x;
    above.row(i).array() += step, below.row(i).array() -= step;
    columns.push_back((into_block(above) - into_block(below)).template cast<double>() / (2 * step));
  }
  Matrix<double> out(d, n), jacobian(d, d);
  for (Index b = 0; b < n; ++b) {
    for (Index i = 0; i < d; ++i) jacobian.col(i) = columns[static_cast<std::size_t>(i)].col(b);
    out.col(b) = jacobian.fullPivLu().solve(f.col(b).template cast<double>());
  }
  return out;
}

#define PATHLINE_INSTANTIATE(S)                                                                      \
  template Paths follow_paths<S>(const Flow<S>&, const Matrix<S>&, const std::vector<double>&, bool, \
                                 const EvaluationOptions&, ConstMatrixRef<double>);                  \
  template Matrix<double> velocity_at<S>(const Flow<S>&, double, ConstMatrixRef<double>, ConstMatrixRef<double>);
PATHLINE_INSTANTIATE(float)
PATHLINE_INSTANTIATE(double)
#undef PATHLINE_INSTANTIATE

}  // namespace pathline

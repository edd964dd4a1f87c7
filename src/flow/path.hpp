// Following points along a chain of flows, tile by tile, from any time to any other.
#pragma once

#include <algorithm>
#include <limits>
#include <vector>

#include "flow/tile.hpp"
#include "ode/step_quadrature.hpp"
#include "pathline/core/error.hpp"
#include "pathline/flow/flow.hpp"

namespace pathline {

// Keeps z at the times of one solve that were asked for.
template <class S, class Keep> class PathObserver final : public StepObserver<S> {
 public:
  // times: of the field's clock, in the order of the solve.
  PathObserver(const std::vector<std::pair<double, std::size_t>>& times, Keep& keep) : times_(times), keep_(keep) {}
  void accepted(const Step<S>& step) override {
    const double direction = step.t1 < step.t0 ? -1 : 1;
    for (; next_ < times_.size() && direction * (times_[next_].first - step.t1) <= 0; ++next_) {
      if (times_[next_].first == step.t1) keep_(times_[next_].second, step.x1->block(0));
      else {
        step.at(times_[next_].first, state_);
        keep_(times_[next_].second, state_.block(0));
      }
    }
  }

 private:
  const std::vector<std::pair<double, std::size_t>>& times_;
  Keep& keep_;
  State<S> state_;
  std::size_t next_ = 0;
};

// The trace feeds nothing back into the path, so its integral over a step is a quadrature on the dense output: Gauss
// and Legendre's three nodes, where the stages of dopri5 would take six. Only for fixed steps: an adaptive solve keeps
// l in its error norm, without which a point where f = 0 would be crossed in one step whatever the trace does. Measured
// (models/8gaussians.h5, 4 steps): 1.1 times faster, an error of 2.6e-5 instead of 1.0e-4 nats.
template <class S> class TraceQuadrature final : public StepObserver<S> {
 public:
  // change: 1 x B, added to. next: also told of every step; may be null.
  TraceQuadrature(const VectorField<S>& field, const Seeds<S>& seeds, TileWorker<S>& w, RowVector<double>& change,
                  StepObserver<S>* next)
      : field_(field), seeds_(seeds), w_(w), change_(change), next_(next) {}

  static bool pays(const SolverOptions& o) { return o.stepper == StepperKind::dopri5 && o.steps > 0; }

  void accepted(const Step<S>& step) override {
    visit_gauss_nodes(step, stepper_order(StepperKind::dopri5), w_.node, [&](double t, State<S>& node, double length) {
      typename Workspace<S>::Frame frame(w_.workspace);
      const auto z = node.block(0);
      auto f = w_.workspace.matrix(z.rows(), z.cols()), je = w_.workspace.matrix(z.rows(), seeds_.k * z.cols());
      auto row = w_.workspace.matrix(1, z.cols());
      field_.tangents({t, z, w_.condition}, seeds_, f, je, w_.workspace);
      trace<S>(seeds_, je, row);
      for (Index b = 0; b < row.cols(); ++b) change_[b] -= length * static_cast<double>(row(0, b));
      ++evaluations;
    });
    if (next_) next_->accepted(step);
  }
  Index evaluations = 0;

 private:
  const VectorField<S>& field_;
  const Seeds<S>& seeds_;
  TileWorker<S>& w_;
  RowVector<double>& change_;
  StepObserver<S>* next_;
};

// One tile on its way through the chain; change: of log p, by norms and traces.
template <class S> class TileWalk {
 public:
  TileWalk(const Flow<S>& flow, const EvaluationOptions& options, TileWorker<S>& worker, Index tile)
      : flow_(flow), options_(options), w_(worker), tile_(tile) {}

  // z: d x B, taken from time `from` to time `to` in place. keep(k, z) for times[k] on the way up.
  template <class Keep>
  SolveReport operator()(MatrixRef<S> z, RowVector<double>& change, double from, double to,
                         const std::vector<double>& times, Keep keep) {
    SolveReport report;
    report.status = SolveStatus::success;
    const bool up = to > from;
    const std::size_t n = flow_.blocks.size();
    std::vector<double> start(n + 1, 0);
    for (std::size_t i = 0; i < n; ++i) start[i + 1] = start[i] + flow_.blocks[i].end_time;
    for (std::size_t k = 0; (up || from == to) && k < times.size(); ++k)
      if (times[k] == from) keep(k, z);
    if (from == to) return report;
    if (!up && from == start[n]) normalize(n, z, change, Direction::data_to_base);
    for (std::size_t j = 0; j < n && report.ok(); ++j) {
      const std::size_t i = up ? j : n - 1 - j;
      const double low = std::max(start[i], std::min(from, to)), high = std::min(start[i + 1], std::max(from, to));
      if (!(low < high)) continue;
      if (up && low == start[i]) normalize(i, z, change, Direction::base_to_data);
      std::vector<std::pair<double, std::size_t>> inside;
      for (std::size_t k = 0; up && k < times.size(); ++k)
        if (times[k] > low && times[k] <= high && times[k] != start[n])
          inside.push_back({flow_.blocks[i].at(times[k] - start[i]), k});
      const double first = up ? low : high, last = up ? high : low;
      report.add(solve(i, z, change, flow_.blocks[i].at(first - start[i]), flow_.blocks[i].at(last - start[i]), inside,
                       keep));
      if (!up && low == start[i]) normalize(i, z, change, Direction::data_to_base);
    }
    if (up && to == start[n]) {
      normalize(n, z, change, Direction::base_to_data);
      for (std::size_t k = 0; k < times.size(); ++k)
        if (times[k] == to && to != from) keep(k, z);
    }
    return report;
  }

 private:
  void normalize(std::size_t i, MatrixRef<S> z, RowVector<double>& change, Direction direction) {
    if (flow_.norms.empty()) return;
    const auto& norm = flow_.norms[i];
    const Vector<S> slope = norm.slope().template cast<S>(), shift = norm.shift().template cast<S>();
    if (direction == Direction::data_to_base) z = (z.array().colwise() * slope.array()).colwise() + shift.array();
    else z = (z.array().colwise() - shift.array()).colwise() / slope.array();
    // log p of the image is log p - log|slope|
    change.array() += direction == Direction::data_to_base ? -norm.log_slope() : norm.log_slope();
  }

  template <class Keep>
  SolveReport solve(std::size_t i, MatrixRef<S> z, RowVector<double>& change, double t0, double t1,
                    const std::vector<std::pair<double, std::size_t>>& inside, Keep& keep) {
    const auto& field = *flow_.blocks[i].field;
    const Index tile = options_.first / options_.tile + tile_;
    Engine engine = make_stream(options_.seed, "flow.probes", static_cast<std::uint64_t>(tile), i);
    Seeds<S> seeds;
    if (options_.density) seeds = make_seeds<S>(options_.trace, z.rows(), z.cols(), engine, w_.probes);
    const bool quadrature = options_.density && TraceQuadrature<S>::pays(options_.solver);
    const bool beside = options_.density && !quadrature;  // l is part of the state
    w_.state.resize(Augmented<S>::layout(z.rows(), z.cols(), beside));
    w_.state.block(0) = z;
    if (beside) w_.state.block(1).setZero();
    const Seeds<S> none;
    Augmented<S> system(field, beside ? seeds : none, w_.condition, w_.workspace);
    PathObserver<S, Keep> path(inside, keep);
    StepObserver<S>* observer = inside.empty() ? nullptr : &path;
    TraceQuadrature<S> integral(field, seeds, w_, change, observer);
    auto report = w_.solver.solve(system, w_.state, t0, t1, quadrature ? &integral : observer);
    report.evaluations += integral.evaluations;
    if (quadrature && report.ok() && !change.allFinite()) report.status = SolveStatus::not_finite;
    z = w_.state.block(0);
    if (beside) change += w_.state.block(1).template cast<double>();
    else if (!quadrature) change.setConstant(std::numeric_limits<double>::quiet_NaN());
    return report;
  }

  const Flow<S>& flow_;
  const EvaluationOptions& options_;
  TileWorker<S>& w_;
  Index tile_;
};

// Takes every tile from one time to another: start(begin, z) writes its z (d x B), finish(begin, z, change) reads where
// it came and the change of log p (1 x B), keep(k, begin, z) sees it at times[k] on the way from base to data.
// NumericalError with advice if a solve failed.
template <class S, class Start, class Finish, class Keep>
SolveReport walk_tiles(const Flow<S>& flow, Index n, ConstMatrixRef<double> c, double from, double to,
                       const EvaluationOptions& options, double& nfe, Start start, Finish finish,
                       const std::vector<double>& times, Keep keep) {
  if (options.tile < 1) throw InputError("tile = " + std::to_string(options.tile) + ": must be >= 1");
  const Tiles tiles{n, options.tile};
  std::vector<SolveReport> reports(static_cast<std::size_t>(tiles.count()));
  auto workers = make_tile_workers<S>(options.solver);
  parallel_for(tiles.count(), [&](Index tile, int id) {
    auto& w = workers[static_cast<std::size_t>(id)];
    const Index begin = tiles.begin(tile), batch = tiles.batch(tile);
    w.condition = flow.standardized_condition(c, begin, batch);
    Matrix<S> z(flow.dim(), batch);
    RowVector<double> change = RowVector<double>::Zero(batch);
    start(begin, MatrixRef<S>(z));
    reports[static_cast<std::size_t>(tile)] = TileWalk<S>(flow, options, w, tile)(
        z, change, from, to, times, [&](std::size_t k, const auto& at) { keep(k, begin, at); });
    finish(begin, z, change);
  });
  SolveReport sum;
  for (const auto& r : reports) sum.add(r);
  if (reports.empty()) sum.status = SolveStatus::success;
  nfe = reports.empty() ? 0 : static_cast<double>(sum.evaluations) / static_cast<double>(reports.size());
  if (!sum.ok()) throw NumericalError(sum.advice());
  return sum;
}

template <class S, class Start, class Finish>
SolveReport walk_tiles(const Flow<S>& flow, Index n, ConstMatrixRef<double> c, double from, double to,
                       const EvaluationOptions& options, double& nfe, Start start, Finish finish) {
  return walk_tiles<S>(flow, n, c, from, to, options, nfe, start, finish, {}, [](std::size_t, Index, const auto&) {});
}

}  // namespace pathline

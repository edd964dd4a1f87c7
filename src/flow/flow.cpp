#include "pathline/flow/flow.hpp"

#include <cmath>
#include <numbers>
#include <string>
#include <vector>

#include "flow/tile.hpp"
#include "pathline/core/error.hpp"

namespace pathline {
namespace {

SolveReport total(const std::vector<SolveReport>& reports, double& nfe) {
  SolveReport sum;
  for (const auto& r : reports) sum.add(r);
  if (reports.empty()) sum.status = SolveStatus::success;
  nfe = reports.empty() ? 0 : static_cast<double>(sum.evaluations) / static_cast<double>(reports.size());
  if (!sum.ok()) throw NumericalError(sum.advice());
  return sum;
}

// Takes every tile from one end to the other: start writes its z (d x B), finish reads its [z | change of log p].
template <class S, class Start, class Finish>
SolveReport solve_tiles(const Cnf<S>& cnf, Index n, ConstMatrixRef<double> c, Direction direction,
                        const EvaluationOptions& options, double& nfe, Start start, Finish finish) {
  const bool to_base = direction == Direction::data_to_base;
  const double from = to_base ? cnf.data_time() : cnf.base_time(), to = to_base ? cnf.base_time() : cnf.data_time();
  const Index d = cnf.field->dim();
  const Tiles tiles{n, options.tile};
  std::vector<SolveReport> reports(static_cast<std::size_t>(tiles.count()));
  auto workers = make_tile_workers<S>(options.solver);
  parallel_for(tiles.count(), [&](Index tile, int id) {
    auto& w = workers[static_cast<std::size_t>(id)];
    const Index begin = tiles.begin(tile), batch = tiles.batch(tile);
    Engine engine = make_stream(options.seed, "flow.probes", static_cast<std::uint64_t>(tile));
    const auto seeds = make_seeds<S>(options.trace, d, batch, engine, w.probes);
    w.state.resize(Augmented<S>::layout(d, batch, true));
    w.condition = tile_condition<S>(c, begin, batch);
    start(begin, w.state.block(0));
    w.state.block(1).setZero();
    Augmented<S> system(*cnf.field, seeds, w.condition, w.workspace);
    reports[static_cast<std::size_t>(tile)] = w.solver.solve(system, w.state, from, to);
    finish(begin, w.state.block(0), w.state.block(1).template cast<double>());
  });
  return total(reports, nfe);
}

}  // namespace

template <class S> RowVector<double> standard_normal_log_density(ConstMatrixRef<S> z) {
  const double constant = 0.5 * static_cast<double>(z.rows()) * std::log(2 * std::numbers::pi);
  return (-0.5 * z.template cast<double>().colwise().squaredNorm()).array() - constant;
}

template <class S>
Flow<S>::Flow(Cnf<S> c)
    : cnf(std::move(c)), mean(Vector<double>::Zero(cnf.field->dim())), scale(Vector<double>::Ones(cnf.field->dim())) {}

template <class S> Matrix<S> Flow<S>::standardized(ConstMatrixRef<double> x) const {
  return ((x.colwise() - mean).array().colwise() / scale.array()).template cast<S>();
}

template <class S> double Flow<S>::log_scale() const { return scale.array().log().sum(); }

template <class S>
LogProb<S> Flow<S>::log_prob(ConstMatrixRef<double> x, ConstMatrixRef<double> c,
                             const EvaluationOptions& options) const {
  const Index n = x.cols();
  if (x.rows() != dim())
    throw InputError("points have " + std::to_string(x.rows()) + " columns: the model has " + std::to_string(dim()));
  LogProb<S> out{RowVector<double>(n), Matrix<S>(dim(), n), {}, 0};
  const double shift = log_scale();
  out.report = solve_tiles<S>(
      cnf, n, c, Direction::data_to_base, options, out.nfe,
      [&](Index begin, auto z) { z = standardized(x.middleCols(begin, z.cols())); },
      [&](Index begin, const auto& z, const auto& change) {
        out.base.middleCols(begin, z.cols()) = z;
        out.log_prob.segment(begin, z.cols()) = (standard_normal_log_density<S>(z) - change).array() - shift;
      });
  return out;
}

template <class S> Samples<S> Flow<S>::push(const Matrix<S>& base, const EvaluationOptions& options) const {
  const Index n = base.cols();
  Samples<S> out{Matrix<double>(dim(), n), RowVector<double>(n), {}, 0};
  const double shift = log_scale();
  out.report = solve_tiles<S>(
      cnf, n, Matrix<double>(0, 0), Direction::base_to_data, options, out.nfe,
      [&](Index begin, auto z) { z = base.middleCols(begin, z.cols()); },
      [&](Index begin, const auto& z, const auto& change) {
        out.points.middleCols(begin, z.cols()) =
            (z.template cast<double>().array().colwise() * scale.array()).matrix().colwise() + mean;
        out.log_prob.segment(begin, z.cols()) =
            (standard_normal_log_density<S>(base.middleCols(begin, z.cols())) + change).array() - shift;
      });
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

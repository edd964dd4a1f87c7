#include "pathline/flow/flow.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "core/option_check.hpp"
#include "core/tile.hpp"
#include "flow/flow_tiles.hpp"
#include "flow/tile_images.hpp"
#include "pathline/core/error.hpp"
#include "pathline/flow/flow_mixture.hpp"

namespace pathline {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

template <class S> Chain<S> interleaved(std::vector<Cnf<S>> blocks, std::vector<BatchNorm<S>> norms) {
  assert(norms.empty() || norms.size() == blocks.size() + 1);
  Chain<S> chain;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    if (!norms.empty()) chain.add(std::move(norms[i]));
    chain.add(std::move(blocks[i]));
  }
  if (!norms.empty()) chain.add(std::move(norms.back()));
  return chain;
}

template <class S> Chain<S> chain_of_one(Cnf<S> block) {
  Chain<S> chain;
  chain.add(std::move(block));
  return chain;
}

// Throws InputError naming the first point that is not finite. first: the number of the first point.
void check_finite(std::string_view what, ConstMatrixRef<double> x, Index first) {
  for (Index b = 0; b < x.cols(); ++b) {
    if (x.col(b).allFinite()) continue;
    for (Index i = 0; i < x.rows(); ++i)
      if (!std::isfinite(x(i, b)))
        throw InputError(fmt::format("{} {}, column {}: {}: must be finite", what, first + b + 1, i + 1, x(i, b)));
  }
}

}  // namespace

template <class S> Flow<S>::Flow(Cnf<S> block) : Flow(chain_of_one(std::move(block))) {}

template <class S> Flow<S>::Flow(std::vector<Cnf<S>> blocks, std::vector<BatchNorm<S>> norms)
    : Flow(interleaved(std::move(blocks), std::move(norms))) {}

template <class S> Flow<S>::Flow(Chain<S> transforms) : chain(std::move(transforms)) {
  assert(!chain.empty());
  Engine unused = make_stream(0, "flow.base");
  base = make_base(BaseKind::normal, chain[0].dim(), 1, unused);
  condition_mean = Vector<double>::Zero(chain.condition_dim());
  condition_scale = Vector<double>::Ones(chain.condition_dim());
}

template <class S> Flow<S>::Flow(std::unique_ptr<Base> distribution) : base(std::move(distribution)) {
  condition_mean = Vector<double>::Zero(base->condition_dim());
  condition_scale = Vector<double>::Ones(base->condition_dim());
}

template <class S> const FlowMixture<S>* Flow<S>::members() const {
  return chain.empty() ? dynamic_cast<const FlowMixture<S>*>(base.get()) : nullptr;
}

template <class S> void Flow<S>::set_periods(std::optional<Periods> periods) {
  if (members()) static_cast<FlowMixture<S>&>(*base).set_periods(periods);
  periods_ = std::move(periods);
}

template <class S> Flow<S> Flow<S>::share() const {
  Flow out = chain.empty() ? Flow(base->clone()) : Flow(chain.share());
  out.data_side = data_side, out.base = base, out.periods_ = periods_;
  out.condition_mean = condition_mean, out.condition_scale = condition_scale;
  return out;
}

template <class S> FlowLayout Flow<S>::layout() const {
  FlowLayout out;
  out.chain = chain.offsets(), out.data_side = data_side.offsets();
  for (auto& offset : out.data_side) offset += chain.parameter_count();
  out.base = chain.parameter_count() + data_side.parameter_count();
  out.size = out.base + base->theta().size();
  return out;
}

template <class S> std::vector<Parameter> Flow<S>::parameters() const {
  auto out = chain.parameters();
  auto add_all = [&](const std::string& prefix, const std::vector<Parameter>& part, Index offset) {
    for (auto p : part) {
      p.name = prefix + p.name, p.offset += offset;
      out.push_back(std::move(p));
    }
  };
  add_all("data_side.", data_side.parameters(), chain.parameter_count());
  add_all("base.", base->parameters(), layout().base);
  return out;
}

template <class S> Vector<double> Flow<S>::theta() const {
  Vector<double> out(layout().size);
  out << chain.theta(), data_side.theta(), base->theta();
  return out;
}

template <class S> void Flow<S>::set_theta(ConstVectorRef<double> theta) {
  const auto at = layout();
  assert(theta.size() == at.size);
  chain.set_theta(theta.head(chain.parameter_count()));
  data_side.set_theta(theta.segment(chain.parameter_count(), data_side.parameter_count()));
  base->set_theta(theta.tail(at.size - at.base));
}

template <class S> void Flow<S>::check(ConstMatrixRef<double> x, ConstMatrixRef<double> c, Index first) const {
  if (x.rows() != dim()) throw InputError(fmt::format("the points have {} columns; the model has {}", x.rows(), dim()));
  if (c.rows() != condition_dim())
    throw InputError(fmt::format("the condition has {} columns; the model has {}", c.rows(), condition_dim()));
  if (c.rows() > 0 && c.cols() != x.cols())
    throw InputError(fmt::format("the condition has {} rows; the points have {}", c.cols(), x.cols()));
  check_finite("point", x, first);
  check_finite("condition of point", c, first);
}

template <class S> void Flow<S>::check_time(double t) const {
  refuse_ensemble(*this, "time");
  if (!(end_time() > 0))
    throw InputError(
        "time: the flow solves no ODE, so that it has no densities or states at times between base and data");
  require(t >= 0 && t <= end_time(), "time", t, fmt::format("in [0, {}]", end_time()));
}

namespace {

template <class S> SolveOptions<S> solve_options(const EvaluationOptions& o) { return {o.solver, o.trace}; }

// Applies the whole chain if no transform takes time, or else the chain from one time to another.
template <class S> SolveReport follow(const Chain<S>& chain, double from, double to, MatrixRef<S> z,
                                      RowVector<double>& log_det, bool density, const TransformContext<S>& context,
                                      const std::vector<double>& times = {}) {
  SolveReport report;
  if (chain.end_time() > 0)
    report = chain.apply_between(from, to, z, density ? &log_det : nullptr, context, times);
  else
    report = chain.apply(from > to ? Direction::data_to_base : Direction::base_to_data, z, density ? &log_det : nullptr,
                         context);
  if (!density) log_det.setConstant(std::numeric_limits<double>::quiet_NaN());
  return report;
}

template <class S, class Keep> class KeepPath final : public PathKeeper<S> {
 public:
  KeepPath(Keep keep) : keep_(keep) {}
  void keep(std::size_t k, ConstMatrixRef<S> z) override { keep_(k, z); }

 private:
  Keep keep_;
};

}  // namespace

template <class S>
LogProb<S> Flow<S>::log_prob(ConstMatrixRef<double> x, ConstMatrixRef<double> c,
                             const EvaluationOptions& options) const {
  return log_prob_from(end_time() > 0 ? end_time() : 1, x, c, options);
}

template <class S> LogProb<S> Flow<S>::log_prob_at(double t, ConstMatrixRef<double> x, ConstMatrixRef<double> c,
                                                   const EvaluationOptions& options) const {
  check_time(t);
  return log_prob_from(t, x, c, options);
}

// The density at the points of a tile, or at one periodic image of them.
template <class S> struct Flow<S>::TileDensity {
  RowVector<double> log_prob;
  Matrix<S> latent;
  SolveReport report;
};

// first: the number of the first point, for messages.
template <class S> typename Flow<S>::TileDensity Flow<S>::tile_density(double t, ConstMatrixRef<double> x, Index first,
                                                                       const EvaluationOptions& options,
                                                                       const TransformContext<S>& context) const {
  RowVector<double> outer = RowVector<double>::Zero(x.cols()), inner = outer;
  Matrix<S> z = standardized(x, &outer, first);
  auto report = follow<S>(chain, t, 0, z, inner, options.density, context);
  RowVector<double> log_prob = base_density(z, context.condition);
  log_prob = log_prob + inner + outer;
  if (report.ok() && (options.density ? log_prob.array().isNaN().any() : z.array().isNaN().any()))
    report.status = SolveStatus::not_finite;
  return {std::move(log_prob), std::move(z), report};
}

// c: the standardized condition, as the vector fields see it.
template <class S> RowVector<double> Flow<S>::base_density(ConstMatrixRef<S> z, ConstMatrixRef<S> c) const {
  return base->log_density(z.template cast<double>(), c.template cast<double>());
}

template <class S> std::vector<Periods::Image> Flow<S>::images(ConstMatrixRef<double> x) const {
  if (periods_) return periods_->images(x);
  std::vector<Periods::Image> all(1);
  all[0].x = x, all[0].points.resize(static_cast<std::size_t>(x.cols()));
  std::iota(all[0].points.begin(), all[0].points.end(), Index{0});
  return all;
}

template <class S> LogProb<S> Flow<S>::log_prob_from(double t, ConstMatrixRef<double> x, ConstMatrixRef<double> c,
                                                     const EvaluationOptions& options) const {
  check(x, c, options.first);
  const Index n = x.cols();
  if (const auto* mixture = members()) {
    auto out = mixture->log_prob(x, c, options);
    out.latent = standardized(x, nullptr, options.first);
    return out;
  }
  LogProb<S> out{RowVector<double>(n), Matrix<S>(dim(), n), {}, 0};
  auto of_images = [&](Index begin, Index batch, const TransformContext<S>& context, TileWorker<S>& w) {
    SolveReport report;
    auto log_prob = out.log_prob.segment(begin, batch);
    log_prob.setConstant(-kInfinity);
    const auto all = images(x.middleCols(begin, batch));
    for (const auto& image : all) {
      const auto at = context_of(image.points, context, w.image_condition);
      const auto got = tile_density(t, image.x, options.first + begin, options, at);
      report.add(got.report);
      if (&image == &all.front()) out.latent.middleCols(begin, batch) = got.latent;
      for (std::size_t k = 0; k < image.points.size(); ++k)
        log_prob[image.points[k]] = log_add(log_prob[image.points[k]], got.log_prob[static_cast<Index>(k)]);
    }
    return report;
  };
  auto of_tile = [&](Index begin, Index batch, const TransformContext<S>& context, TileWorker<S>& w) {
    if (periods_) return of_images(begin, batch, context, w);
    const auto got = tile_density(t, x.middleCols(begin, batch), options.first + begin, options, context);
    out.log_prob.segment(begin, batch) = got.log_prob, out.latent.middleCols(begin, batch) = got.latent;
    return got.report;
  };
  out.report = for_each_tile<S>(*this, n, c, TileOptions(options), solve_options<S>(options), out.nfe, of_tile);
  return out;
}

template <class S>
Transformed Flow<S>::transform(ConstMatrixRef<double> x, double from, double to, ConstMatrixRef<double> c,
                               const EvaluationOptions& options) const {
  check(x, c, options.first);
  for (double t : {from, to}) check_time(t);
  const Index n = x.cols();
  Transformed out{Matrix<double>(dim(), n), RowVector<double>(n), {}, 0};
  out.report =
      for_each_tile<S>(*this, n, c, TileOptions(options), solve_options<S>(options), out.nfe,
                       [&](Index begin, Index batch, const TransformContext<S>& context, TileWorker<S>&) {
                         RowVector<double> in = RowVector<double>::Zero(batch), inner = in, outward = in;
                         Matrix<S> z = standardized(x.middleCols(begin, batch), &in, options.first + begin);
                         const auto report = follow<S>(chain, from, to, z, inner, options.density, context);
                         out.points.middleCols(begin, batch) = in_data_units(z.template cast<double>(), &outward);
                         out.log_change.segment(begin, batch) = -inner - in - outward;
                         return report;
                       });
  return out;
}

template <class S> Samples<S> Flow<S>::trajectory(const Matrix<S>& z0, const std::vector<double>& times,
                                                  std::vector<Matrix<double>>& along, const EvaluationOptions& options,
                                                  ConstMatrixRef<double> c) const {
  check(z0.template cast<double>(), c, options.first);
  for (double t : times) check_time(t);
  const Index n = z0.cols();
  Samples<S> out{Matrix<double>(dim(), n), RowVector<double>::Constant(n, std::nan("")), {}, 0};
  along.assign(times.size(), Matrix<double>(dim(), n));
  out.report =
      for_each_tile<S>(*this, n, c, TileOptions(options), solve_options<S>(options), out.nfe,
                       [&](Index begin, Index batch, const TransformContext<S>& context, TileWorker<S>&) {
                         RowVector<double> outer = RowVector<double>::Zero(batch), inner = outer;
                         Matrix<S> z = z0.middleCols(begin, batch);
                         KeepPath<S, std::function<void(std::size_t, ConstMatrixRef<S>)>> keeper(
                             [&](std::size_t k, ConstMatrixRef<S> at) {
                               along[k].middleCols(begin, batch) = in_data_units(at.template cast<double>());
                             });
                         auto kept = context;
                         kept.keeper = &keeper;
                         auto report =
                             follow<S>(chain, 0, end_time(), z, inner, options.density && !periods_, kept, times);
                         out.points.middleCols(begin, batch) = in_data_units(z.template cast<double>(), &outer);
                         if (report.ok() && !out.points.middleCols(begin, batch).allFinite())
                           report.status = SolveStatus::not_finite;
                         if (options.density && !periods_)  // the base of an ensemble solves ODEs, so only where it is needed
                           out.log_prob.segment(begin, batch) =
                               base_density(z0.middleCols(begin, batch), context.condition) - inner - outer;
                         return report;
                       });
  if (!periods_) return out;
  periods_->fold(out.points);
  for (auto& points : along) periods_->fold(points);
  if (!options.density) return out;
  const auto wrapped = log_prob(out.points, c, options);
  out.log_prob = wrapped.log_prob, out.nfe += wrapped.nfe;
  out.report.add(wrapped.report);
  return out;
}

template <class S>
Samples<S> Flow<S>::push(const Matrix<S>& z0, const EvaluationOptions& options, ConstMatrixRef<double> c) const {
  std::vector<Matrix<double>> none;
  return trajectory(z0, {}, none, options, c);
}

template <class S>
Matrix<S> Flow<S>::draw_base(Index n, std::uint64_t seed, Index tile, Index first, ConstMatrixRef<double> c) const {
  require(n >= 0, "n", n, ">= 0");
  const bool conditional = base->condition_dim() > 0;
  if (conditional && (c.rows() != condition_dim() || c.cols() != n))
    throw InputError(fmt::format("the condition is {} x {}: must be {} x {}, because the base distribution depends on it",
                                 c.rows(), c.cols(), condition_dim(), n));
  check_tiles(tile, first);
  Matrix<double> z(dim(), n);
  for (Index begin = 0; begin < n; begin += tile) {
    Engine engine = make_stream(seed, "flow.base", static_cast<std::uint64_t>((first + begin) / tile));
    const Index batch = std::min(tile, n - begin);
    if (conditional)
      base->sample(engine, z.middleCols(begin, batch), standardized_condition(c, begin, batch).template cast<double>());
    else
      base->sample(engine, z.middleCols(begin, batch));
  }
  return z.template cast<S>();
}

template <class S>
Samples<S> Flow<S>::sample(Index n, std::uint64_t seed, const EvaluationOptions& options,
                           ConstMatrixRef<double> c) const {
  TileOptions(options).check();
  if (const auto* mixture = members()) return mixture->sample(n, seed, options, c);
  return push(draw_base(n, seed, options.tile, options.first, c), options, c);
}

template class Flow<float>;
template class Flow<double>;

}  // namespace pathline

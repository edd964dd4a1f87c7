#include "pathline/flow/flow_mixture.hpp"

#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "core/log_sum_exp.hpp"
#include "core/option_check.hpp"
#include "core/tile.hpp"
#include "pathline/core/error.hpp"
#include "pathline/core/parallel.hpp"

namespace pathline {
namespace {

template <class S> const Flow<S>& first_of(const std::vector<Flow<S>>& members) {
  if (members.empty()) throw InputError("members: empty; an ensemble has at least one flow");
  return members.front();
}

void check_weights(const Vector<double>& weights, std::size_t members) {
  if (static_cast<std::size_t>(weights.size()) != members)
    throw InputError(fmt::format("weights: {} for {} members", weights.size(), members));
  for (const double w : weights)
    if (!(w > 0 && std::isfinite(w))) throw InputError(fmt::format("weights: {}: must be finite and > 0", w));
}

// The columns of c that belong to these points; no rows without a condition.
Matrix<double> columns_of(ConstMatrixRef<double> c, const std::vector<Index>& points) {
  return c.rows() > 0 ? Matrix<double>(c(Eigen::all, points)) : Matrix<double>(0, 0);
}

// For each of `count` members, the positions at which it occurs in `members`.
std::vector<std::vector<Index>> places(const std::vector<Index>& members, Index count) {
  std::vector<std::vector<Index>> out(static_cast<std::size_t>(count));
  for (std::size_t b = 0; b < members.size(); ++b)
    out[static_cast<std::size_t>(members[b])].push_back(static_cast<Index>(b));
  return out;
}

bool same_bounds(const Bounds<double>* a, const Bounds<double>* b) {
  if (!a || !b) return a == b;
  return a->low() == b->low() && a->high() == b->high();
}

bool same_periods(const Periods* a, const Periods* b) {
  if (!a || !b) return a == b;
  return a->start() == b->start() && a->length() == b->length();
}

// The context of the maps to the units of the data, which take no condition and solve no ODE.
struct UnitsContext {
  TransformScratch<double> scratch;
  SolveOptions<double> options;
  Matrix<double> condition;
  TransformContext<double> get() { return {scratch, options, condition}; }
};

}  // namespace

template <class S>
FlowMixture<S>::FlowMixture(std::vector<Flow<S>> members, const Vector<double>& weights, const SolverOptions& solver)
    : Base(first_of(members).dim(), first_of(members).condition_dim()), members_(std::move(members)), solver_(solver) {
  check_weights(weights, members_.size());
  constexpr double kRounding = 1e-12;  // weights whose sum is 1 up to rounding stay as they are, bit for bit
  const double sum = weights.sum();
  weights_ = std::abs(sum - 1) <= kRounding ? weights : Vector<double>(weights / sum);
  solver_.check();
  for (std::size_t k = 0; k < members_.size(); ++k) {
    const auto& flow = members_[k];
    if (flow.dim() != dim() || flow.condition_dim() != condition_dim())
      throw InputError(fmt::format("member {}: {} columns and {} conditions; the first member has {} and {}", k + 1,
                                   flow.dim(), flow.condition_dim(), dim(), condition_dim()));
    if (flow.base->kind() == BaseKind::flow_mixture)
      throw InputError(fmt::format("member {}: is an ensemble itself; expected one flow", k + 1));
    const auto& first = members_.front();
    if (!same_bounds(flow.bounds(), first.bounds()) || !same_periods(flow.periods(), first.periods()))
      throw InputError(fmt::format("member {}: its bounds or periods differ from those of the first member", k + 1));
  }
}

template <class S> void FlowMixture<S>::set_periods(const std::optional<Periods>& periods) {
  for (auto& flow : members_) flow.set_periods(periods);
}

template <class S> LogProb<S> FlowMixture<S>::log_prob(ConstMatrixRef<double> x, ConstMatrixRef<double> c,
                                                       const EvaluationOptions& options) const {
  Matrix<double> joint(components(), x.cols());
  LogProb<S> out{RowVector<double>(x.cols()), Matrix<S>(dim(), 0), {}, 0};
  out.report.status = SolveStatus::success;
  for (Index k = 0; k < components(); ++k) {
    const auto got = members_[static_cast<std::size_t>(k)].log_prob(x, c, options);
    joint.row(k) = got.log_prob.array() + std::log(weights_[k]);
    out.report.add(got.report), out.nfe += got.nfe;
  }
  for (Index b = 0; b < x.cols(); ++b)
    out.log_prob[b] = log_sum_exp(joint.col(b).array());
  return out;
}

// The gradient of log sum_k w_k p_k is the mean of the members' scores with the weights w_k p_k / p.
template <class S> Score FlowMixture<S>::score(ConstMatrixRef<double> x, ConstMatrixRef<double> c,
                                               const ScoreOptions& options) const {
  std::vector<Score> each;
  Matrix<double> joint(components(), x.cols());
  Score out{Matrix<double>::Zero(dim(), x.cols()), RowVector<double>(x.cols()), {}, {}, 0, 0};
  out.report.status = out.backward.status = SolveStatus::success;
  for (Index k = 0; k < components(); ++k) {
    each.push_back(members_[static_cast<std::size_t>(k)].score(x, c, options));
    joint.row(k) = each.back().log_prob.array() + std::log(weights_[k]);
    out.report.add(each.back().report), out.backward.add(each.back().backward);
    out.nfe += each.back().nfe, out.backward_nfe += each.back().backward_nfe;
  }
  for (Index b = 0; b < x.cols(); ++b) {
    const double sum = log_sum_exp(joint.col(b).array());
    out.log_prob[b] = sum;
    if (!std::isfinite(sum)) out.score.col(b).setConstant(std::nan(""));
    for (Index k = 0; std::isfinite(sum) && k < components(); ++k)
      if (const double share = std::exp(joint(k, b) - sum); share > 0)  // a member without density has no score
        out.score.col(b) += share * each[static_cast<std::size_t>(k)].score.col(b);
  }
  return out;
}

template <class S> std::vector<Index> FlowMixture<S>::draw_members(Engine& engine, Index n) const {
  std::vector<Index> out(static_cast<std::size_t>(n));
  for (auto& k : out) {
    double left = uniform(engine);
    while (k + 1 < components() && left >= weights_[k]) left -= weights_[k++];
  }
  return out;
}

// The members of a tile's draws are chosen by the stream of the tile, and each member draws its own from its stream of
// the tile: a draw does not depend on how the stream is cut into calls.
template <class S> Samples<S> FlowMixture<S>::sample(Index n, std::uint64_t seed, const EvaluationOptions& options,
                                                     ConstMatrixRef<double> c) const {
  require(n >= 0, "n", n, ">= 0");
  check_tiles(options.tile, options.first);
  if (c.rows() != condition_dim() || (c.rows() > 0 && c.cols() != n))
    throw InputError(fmt::format("the condition is {} x {}: must be {} x {}", c.rows(), c.cols(), condition_dim(), n));
  Samples<S> out{Matrix<double>(dim(), n), RowVector<double>::Constant(n, std::nan("")), {}, 0};
  const Tiles tiles{n, options.tile};
  std::vector<SolveReport> reports(static_cast<std::size_t>(tiles.count()));
  const auto draw = [&](Index tile, int) {
    const Index begin = tiles.begin(tile), batch = tiles.batch(tile), first = options.first + begin;
    Engine engine = make_stream(seed, "flow.members", static_cast<std::uint64_t>(first / options.tile));
    const auto of = places(draw_members(engine, batch), components());
    auto& report = reports[static_cast<std::size_t>(tile)];
    report.status = SolveStatus::success;
    auto alone = options;
    alone.threads = 1, alone.first = first, alone.density = false;
    for (std::size_t k = 0; k < of.size(); ++k) {
      if (of[k].empty()) continue;
      std::vector<Index> points = of[k];
      for (auto& b : points) b += begin;
      const auto conditions = columns_of(c, points);
      const auto z = members_[k].draw_base(std::ssize(of[k]), make_stream(seed, "flow.member", k)(), options.tile, first,
                                           conditions);
      try {
        const auto got = members_[k].push(z, alone, conditions);
        out.points(Eigen::all, points) = got.points;
        report.add(got.report);
      } catch (const NumericalError& error) {
        throw NumericalError(fmt::format("draws {} to {}, of which member {} makes {}: {}", first + 1, first + batch,
                                         k + 1, of[k].size(), error.what()));
      }
    }
  };
  parallel_for(tiles.count(), options.threads, draw);
  out.report.status = SolveStatus::success;
  for (const auto& report : reports) out.report.add(report);
  if (tiles.count() > 0) out.nfe = static_cast<double>(out.report.evaluations) / static_cast<double>(tiles.count());
  if (!options.density) return out;
  const auto density = log_prob(out.points, c, options);
  out.log_prob = density.log_prob, out.nfe += density.nfe;
  out.report.add(density.report);
  return out;
}

// The condition in the units of the data, from the standardized c that a base gets.
template <class S> Matrix<double> FlowMixture<S>::condition_in_units(ConstMatrixRef<double> c) const {
  if (condition_dim() == 0) return Matrix<double>(0, 0);
  const auto& first = members_.front();
  return (c.array().colwise() * first.condition_scale.array()).matrix().colwise() + first.condition_mean;
}

template <class S> RowVector<double> FlowMixture<S>::log_density(ConstMatrixRef<double> z, ConstMatrixRef<double> c) const {
  RowVector<double> log_det = RowVector<double>::Zero(z.cols());
  const Matrix<double> x = members_.front().in_data_units(z, &log_det);
  return log_prob(x, condition_in_units(c), {.solver = solver_}).log_prob + log_det;
}

template <class S> void FlowMixture<S>::pullback(ConstMatrixRef<double> z, ConstMatrixRef<double> c, double weight,
                                                 MatrixRef<double> z_bar, VectorRef<double>) const {
  UnitsContext units;
  ChainTape<double> tape;
  RowVector<double> log_det = RowVector<double>::Zero(z.cols());
  Matrix<double> x = z, no_condition(0, 0);
  const auto& data_side = members_.front().data_side;
  data_side.apply(Direction::base_to_data, x, &log_det, units.get(), &tape);
  Matrix<double> bar = weight * score(x, condition_in_units(c), {.solver = solver_}).score;
  const RowVector<double> of_log_det = RowVector<double>::Constant(z.cols(), weight);
  Vector<double> no_theta;
  data_side.pullback(tape, {bar, of_log_det, no_theta, no_condition}, units.get());
  z_bar = bar;
}

template <class S>
Matrix<double> FlowMixture<S>::condition_pullback(ConstMatrixRef<double>, ConstMatrixRef<double>, double) const {
  throw InputError("base = flow_mixture: has no gradient with respect to the condition; train its members one by one");
}

template <class S>
void FlowMixture<S>::sample(Engine& engine, MatrixRef<double> z, ConstMatrixRef<double> c) const {
  const auto of = places(draw_members(engine, z.cols()), components());
  const Matrix<double> in_units = condition_in_units(c);
  UnitsContext units;
  for (std::size_t k = 0; k < of.size(); ++k) {
    if (of[k].empty()) continue;
    const auto& flow = members_[k];
    const Matrix<double> conditions = columns_of(in_units, of[k]);
    Matrix<double> drawn(dim(), std::ssize(of[k]));
    flow.base->sample(engine, drawn, flow.standardized_condition(conditions).template cast<double>());
    Matrix<double> x = flow.push(drawn.template cast<S>(), {.solver = solver_, .density = false}, conditions).points;
    members_.front().data_side.apply(Direction::data_to_base, x, nullptr, units.get());
    z(Eigen::all, of[k]) = x;
  }
}

template <class S>
Flow<S> flow_mixture(std::vector<Flow<S>> members, const Vector<double>& weights, const SolverOptions& solver) {
  auto base = std::make_unique<FlowMixture<S>>(std::move(members), weights, solver);
  const Flow<S>& first = base->members().front();
  const auto data_side = first.data_side;
  const auto mean = first.condition_mean, scale = first.condition_scale;
  const auto periods = first.periods() ? std::optional(*first.periods()) : std::nullopt;
  Flow<S> out(std::move(base));
  out.data_side = data_side;
  out.condition_mean = mean, out.condition_scale = scale;
  out.set_periods(periods);
  return out;
}

template <class S> void refuse_ensemble(const Flow<S>& flow, const std::string& name) {
  if (const auto* mixture = flow.members())
    throw InputError(
        fmt::format("{}: the model is an ensemble of {} flows, which have no common map from a base to the data; use the "
                    "model of one member, such as member-1/model.h5 in the directory of its run",
                    name, mixture->components()));
}

template class FlowMixture<float>;
template class FlowMixture<double>;
template Flow<float> flow_mixture<float>(std::vector<Flow<float>>, const Vector<double>&, const SolverOptions&);
template Flow<double> flow_mixture<double>(std::vector<Flow<double>>, const Vector<double>&, const SolverOptions&);
template void refuse_ensemble<float>(const Flow<float>&, const std::string&);
template void refuse_ensemble<double>(const Flow<double>&, const std::string&);

}  // namespace pathline

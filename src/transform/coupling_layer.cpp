#include "pathline/transform/coupling_layer.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/option_check.hpp"
#include "transform/affine_map.hpp"
#include "transform/spline_map.hpp"

namespace pathline {
namespace {

// What the pullback needs from apply().
template <class S> struct CouplingTape final : TransformTape<S> {
  Matrix<S> inputs, base, p;  // inputs of the network; transformed columns on the base's side; prepared parameters
  Vector<S> memory;           // of the network
};

Index parameters_per_column(const CouplingOptions& o) { return o.kind == CouplingKind::affine ? 2 : 3 * o.bins - 1; }

const CouplingOptions& checked(const CouplingOptions& o) {
  require(o.dim >= 1, "dim", o.dim, ">= 1");
  require(o.condition_dim >= 0, "condition_dim", o.condition_dim, ">= 0");
  require(o.bins >= 2 && o.bins <= SplineMap<double>::kMostBins, "bins", o.bins,
          fmt::format("in [2, {}]", SplineMap<double>::kMostBins));
  constexpr double kMostBox = 1e6;  // float resolves the bins of a wider one badly, and has no infinite one
  require(o.box > 0 && o.box <= kMostBox, "box", o.box, fmt::format("in (0, {:g}]", kMostBox));
  if (o.moved.empty()) throw InputError("moved: a coupling layer must move one column at least");
  for (std::size_t i = 0; i < o.moved.size(); ++i) {
    const auto column = o.moved[i];
    require(column >= 0 && column < o.dim, "moved", column, fmt::format("in [0, {}]", o.dim - 1));
    if (std::count(o.moved.begin(), o.moved.end(), column) > 1)
      throw InputError(fmt::format("moved = {}: must be there once", column));
  }
  return o;
}

std::vector<Index> others(const CouplingOptions& o) {
  std::vector<Index> out;
  for (Index i = 0; i < o.dim; ++i)
    if (std::find(o.moved.begin(), o.moved.end(), i) == o.moved.end()) out.push_back(i);
  return out;
}

ConditionerOptions network_options(const CouplingOptions& o) {
  const Index moved = std::ssize(o.moved);
  return {.in = o.dim - moved + o.condition_dim,
          .out = moved * parameters_per_column(o),
          .hidden = o.hidden,
          .activation = o.activation,
          .residual = o.residual};
}

// Calls f with the map of a layer.
template <class S, class F> void with_map(const CouplingOptions& o, Index batch, F f) {
  if (o.kind == CouplingKind::affine)
    f(AffineMap<S>(std::ssize(o.moved), batch, o.box));
  else
    f(SplineMap<S>(std::ssize(o.moved), batch, o.bins, o.box));
}

}  // namespace

template <class S> CouplingLayer<S>::CouplingLayer(const CouplingOptions& options)
    : Transform<S>(checked(options).dim, options.condition_dim),
      options_(options),
      kept_(others(options)),
      network_(network_options(options)) {}

template <class S> std::string CouplingLayer<S>::kind() const {
  return options_.kind == CouplingKind::affine ? "affine_coupling" : "spline_coupling";
}

template <class S> Attributes CouplingLayer<S>::describe() const {
  Attributes out{{"moved", options_.moved},
                 {"condition_dim", static_cast<std::int64_t>(options_.condition_dim)},
                 {"hidden", std::vector<std::int64_t>(options_.hidden.begin(), options_.hidden.end())},
                 {"activation", to_string(options_.activation)},
                 {"residual", options_.residual},
                 {"box", options_.box}};
  if (options_.kind == CouplingKind::spline)
    out.push_back({"bins", static_cast<std::int64_t>(options_.bins)});
  else
    out.push_back({"affine_within", AffineMap<double>::kInner * options_.box});
  return out;
}

// The inputs of the network: the columns that stay as they are, then the condition, all clamped.
template <class S> void CouplingLayer<S>::gather(ConstMatrixRef<S> z, const Matrix<S>& condition, S* inputs) const {
  const S most = static_cast<S>(options_.box);
  for (Index b = 0; b < z.cols(); ++b) {
    for (const Index i : kept_) *inputs++ = std::clamp(z(i, b), -most, most);
    for (Index i = 0; i < options_.condition_dim; ++i) *inputs++ = std::clamp(condition(i, b), -most, most);
  }
}

template <class S> SolveReport CouplingLayer<S>::apply(Direction direction, MatrixRef<S> z, RowVector<double>* log_det,
                                                       const TransformContext<S>& context, TransformTape<S>* to) const {
  const Index batch = z.cols(), m = std::ssize(options_.moved);
  auto& w = context.scratch.workspace;
  typename Workspace<S>::Frame frame(w);
  auto* tape = static_cast<CouplingTape<S>*>(to);
  if (tape) {
    tape->inputs.resize(network_.options().in, batch), tape->base.resize(m, batch);
    tape->p.resize(network_.options().out, batch), tape->memory.resize(network_.memory_size(batch));
  }
  S* inputs = tape ? tape->inputs.data() : w.take(network_.options().in * batch);
  S* p = tape ? tape->p.data() : w.take(network_.options().out * batch);
  S* memory = tape ? tape->memory.data() : w.take(network_.memory_size(batch));
  auto x = w.matrix(m, batch), log_slope = w.matrix(m, batch);
  const auto keep_base = [&](Direction side) {
    if (tape && side == direction) tape->base = x;
  };

  gather(z, context.condition, inputs);
  for (Index j = 0; j < m; ++j) x.row(j) = z.row(options_.moved[static_cast<std::size_t>(j)]);
  keep_base(Direction::base_to_data);
  network_.forward(inputs, batch, p, memory);
  with_map<S>(options_, batch, [&](const auto& map) {
    map.prepare(p);
    map.apply(direction, x.data(), p, log_slope.data(), w);
  });
  keep_base(Direction::data_to_base);
  for (Index j = 0; j < m; ++j) z.row(options_.moved[static_cast<std::size_t>(j)]) = x.row(j);
  if (!log_det && !tape) return Transform<S>::done();
  RowVector<double> sum = log_slope.template cast<double>().colwise().sum();
  if (direction == Direction::data_to_base) sum = -sum;
  if (log_det) *log_det += sum;
  if (tape) tape->log_det = sum.sum();
  return Transform<S>::done();
}

template <class S> std::unique_ptr<TransformTape<S>> CouplingLayer<S>::make_tape() const {
  return std::make_unique<CouplingTape<S>>();
}

template <class S> SolveReport CouplingLayer<S>::pullback(Direction direction, const TransformTape<S>& from,
                                                          TransformCotangent<S> to,
                                                          const TransformContext<S>& context) const {
  const auto& tape = static_cast<const CouplingTape<S>&>(from);
  const Index batch = to.z.cols(), m = std::ssize(options_.moved);
  auto& w = context.scratch.workspace;
  typename Workspace<S>::Frame frame(w);
  auto bar = w.matrix(m, batch);
  auto log_bar = w.row(batch);
  auto p_bar = w.matrix(network_.options().out, batch), input_bar = w.matrix(network_.options().in, batch);
  auto theta_bar = w.vector(to.theta.size());
  theta_bar.setZero();
  log_bar = to.log_det.template cast<S>();
  if (direction == Direction::data_to_base) log_bar = -log_bar;
  for (Index j = 0; j < m; ++j) bar.row(j) = to.z.row(options_.moved[static_cast<std::size_t>(j)]);
  with_map<S>(options_, batch, [&](const auto& map) {
    map.pullback(direction, tape.base.data(), tape.p.data(), bar.data(), log_bar.data(), p_bar.data(), w);
  });
  network_.pullback(tape.inputs.data(), batch, tape.memory.data(), p_bar.data(), input_bar.data(),
                    to.theta.size() > 0 ? theta_bar.data() : nullptr, w);
  for (Index j = 0; j < m; ++j) to.z.row(options_.moved[static_cast<std::size_t>(j)]) = bar.row(j);
  if (to.theta.size() > 0) to.theta += theta_bar.template cast<double>();

  const S most = static_cast<S>(options_.box);  // a clamped input has no derivative
  const auto within = [&](Index row, Index b) { return std::abs(tape.inputs(row, b)) < most; };
  const Index kept = std::ssize(kept_);
  for (Index b = 0; b < batch; ++b) {
    for (Index i = 0; i < kept; ++i)
      if (within(i, b)) to.z(kept_[static_cast<std::size_t>(i)], b) += input_bar(i, b);
    for (Index i = 0; i < options_.condition_dim; ++i)
      if (within(kept + i, b)) to.condition(i, b) += input_bar(kept + i, b);
  }
  return Transform<S>::done();
}

std::vector<std::vector<std::int64_t>> alternating_halves(Index dim, Index layers, Engine& engine) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(dim));
  std::iota(order.begin(), order.end(), std::int64_t{0});
  const auto half = order.begin() + dim / 2;
  std::vector<std::vector<std::int64_t>> out;
  for (Index l = 0; l < layers; ++l) {
    if (l % 2 == 0 && dim > 2)
      for (Index i = dim - 1; i > 0; --i)
        std::swap(order[static_cast<std::size_t>(i)], order[static_cast<std::size_t>(uniform_index(engine, i + 1))]);
    std::vector<std::int64_t> moved = l % 2 == 0 || dim == 1 ? std::vector<std::int64_t>(half, order.end())
                                                             : std::vector<std::int64_t>(order.begin(), half);
    std::sort(moved.begin(), moved.end());
    out.push_back(std::move(moved));
  }
  return out;
}

template class CouplingLayer<float>;
template class CouplingLayer<double>;

}  // namespace pathline

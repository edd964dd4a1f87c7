#include "pathline/field/mlp.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <optional>

#include "core/memory.hpp"
#include "core/option_check.hpp"
#include "core/product.hpp"
#include "field/activation_kernel.hpp"
#include "field/bilinear_trace.hpp"
#include "field/time_layer.hpp"

namespace pathline {
namespace {

constexpr std::size_t kMostLayers = kMostHiddenLayers + 1;

template <class S> Matrix<S> uniform_matrix(Engine& engine, Index rows, Index cols, double bound) {
  Matrix<S> m(rows, cols);
  fill_uniform<S>(engine, m);
  return ((2 * m.array() - 1) * static_cast<S>(bound)).matrix();
}

// The cotangents of each layer's weight and gate. Those of the weights are a part of theta_bar or in the workspace;
// they are null if theta is not wanted.
template <class S> struct LayerCotangents {
  std::array<S*, kMostLayers> weight{}, gate{};

  LayerCotangents(const std::vector<TimeLayer<S>>& list, VectorRef<S> theta_bar, Workspace<S>& w) {
    for (std::size_t l = 0; l < list.size(); ++l) {
      weight[l] = theta_bar.size() > 0 ? list[l].weight_cotangent(theta_bar.data(), w) : nullptr;
      auto gate_bar = w.vector(list[l].out());
      gate_bar.setZero();
      gate[l] = gate_bar.data();
    }
  }
};

// Adds dL/dW of the first layer, whose inputs are the points and the tangent directions. q_bar: out x (1 + k) B.
template <class S> void add_first_weight_cotangent(const TimeLayer<S>& layer, const FieldPoint<S>& x,
                                                   const TangentDirections<S>& e, const S* q_bar, S* weight_bar) {
  const Index in = layer.in(), out = layer.out(), batch = x.batch();
  add_outer(in, out, batch, x.z.data(), x.z.outerStride(), q_bar, out, weight_bar, in);
  if (e.kind == TangentDirections<S>::Kind::identity) {
    for (Index j = 0; j < e.k; ++j)
      Matrix<S>::Map(weight_bar, in, out).row(j) +=
          ConstMatrixMap<S>(q_bar + (1 + j) * out * batch, out, batch).rowwise().sum().transpose();
  } else {
    add_outer(in, out, e.k * batch, e.probes, in, q_bar + out * batch, out, weight_bar, in);
  }
}

// Adds the cotangents of the condition and of its weight. q_bar: out x B.
template <class S> void add_condition_cotangents(const TimeLayer<S>& layer, const FieldPoint<S>& x, const S* theta,
                                                 const ConstMatrixMap<S>& q_bar, FieldCotangent<S>& to) {
  if (layer.condition() == 0) return;
  using RowMajor = Eigen::Matrix<S, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const Index at = layer.condition_weight(), out = layer.out(), condition = layer.condition();
  if (to.theta.size() > 0)
    Eigen::Map<RowMajor>(to.theta.data() + at, out, condition).noalias() += q_bar * x.c.transpose();
  to.c.noalias() += Eigen::Map<const RowMajor>(theta + at, out, condition).transpose() * q_bar;
}

// A rule for cotangents that are known before the evaluation.
template <class S> class GivenCotangents final : public CotangentRule<S> {
 public:
  GivenCotangents(const ConstMatrixRef<S>& f_bar, const ConstMatrixRef<S>& je_bar) : f_bar_(f_bar), je_bar_(je_bar) {}
  void operator()(ConstMatrixRef<S>, ConstMatrixRef<S>, MatrixRef<S> f_bar, MatrixRef<S> je_bar) override {
    f_bar = f_bar_;
    je_bar = je_bar_;
  }

 private:
  const ConstMatrixRef<S>&f_bar_, &je_bar_;
};

}  // namespace

template <class S> struct Mlp<S>::Layers {
  std::vector<TimeLayer<S>> list;
  Vector<S> ones;                         // as many as the widest hidden layer has units
  Vector<S> trace_memory;                 // holds the arrays of `trace`
  std::optional<BilinearTrace<S>> trace;  // if time acts on the slopes through the activations alone
};

// What the reverse pass needs from one layer. A block is [value | tangents] and has (1 + k) B columns. The closed form
// of the trace needs no tangents; the slopes gate * s'(a) of a hidden layer then follow its values.
template <class S> struct Mlp<S>::Tape {
  struct Layer {
    typename TimeLayer<S>::Coefficients at;
    const S* q;           // W x + C c, out x B
    // out x kB, or W itself (out x d) for the first layer under identity directions; ones for slopes.
    const S* q_tangents;
    const S* y;           // s(a): out x (1 + k) B, or [values | slopes]
    const S* h;      // the input of the next layer: y, or y + x with a residual connection
  };
  std::array<Layer, kMostLayers> layers;
  TimeFeatures<S> time;
  bool slopes;

  GatedActivation<S> gated(const Mlp& mlp, std::size_t l, Index batch, const TangentDirections<S>& e) const {
    const auto& list = mlp.layers_->list;
    const auto& now = layers[l];
    const bool with_slopes = slopes && l + 1 < list.size();
    return {.activation = l + 1 == list.size() ? Activation::identity : mlp.options_.activation,
            .beta = mlp.beta_ < 0 ? S(1) : mlp.theta()[mlp.beta_],
            .rows = list[l].out(),
            .batch = batch,
            .tangents = with_slopes ? 1 : e.k,
            .gate = now.at.gate,
            .shift = now.at.shift,
            .q = now.q,
            .q_tangents = now.q_tangents,
            .q_tangents_shared = with_slopes || (l == 0 && e.kind == TangentDirections<S>::Kind::identity)};
  }
};

// What the reverse pass needs from the closed form of the trace.
template <class S> struct Mlp<S>::TracePullback {
  const BilinearTrace<S>& form;
  const S* product;    // M p1
  const S* trace_bar;  // 1 x B
  std::array<const S*, 2> slopes{};

  // The bilinear form at the time of the tape. It is computed in the workspace if it depends on time.
  static BilinearTrace<S> form_at(const Mlp& mlp, const Tape& tape, Workspace<S>& w) {
    if (mlp.layers_->trace) return *mlp.layers_->trace;
    const auto& list = mlp.layers_->list;
    typename BilinearTrace<S>::Layers layers{static_cast<int>(list.size()) - 1, {}, nullptr, mlp.skips(1)};
    for (std::size_t l = 0; l < list.size(); ++l) layers.weight[l] = tape.layers[l].at.weight;
    if (list.back().gated()) layers.gate = tape.layers[list.size() - 1].at.gate;
    return BilinearTrace<S>(layers, w.take(BilinearTrace<S>::memory_size(layers)));
  }
  static std::array<const S*, 2> slopes_of(const Mlp& mlp, const Tape& tape, Index batch) {
    std::array<const S*, 2> out{};
    for (std::size_t l = 0; l + 1 < mlp.layers_->list.size(); ++l)
      out[l] = tape.layers[l].y + mlp.layers_->list[l].out() * batch;
    return out;
  }

  // Gives the cotangents of the slopes, and adds those of the weights and of the last gate.
  typename BilinearTrace<S>::Cotangents pullback(const Mlp& mlp, S* const* weight_bars, S* gate_bar, Index batch,
                                                 Workspace<S>& w) const {
    const auto& list = mlp.layers_->list;
    typename BilinearTrace<S>::Cotangents out{};
    for (std::size_t l = 0; l + 1 < list.size(); ++l) out.slopes[l] = w.take(list[l].out() * batch);
    std::copy_n(weight_bars, list.size(), out.weights);
    out.gate = gate_bar;
    form.pullback(slopes.data(), product, trace_bar, batch, w.take(form.pullback_size(batch)), out);
    return out;
  }
};

template <class S> Mlp<S>::Mlp(const MlpOptions& options)
    : VectorField<S>(options.dim, options.condition_dim), options_(options), layers_(std::make_unique<Layers>()) {
  require(options.dim >= 1, "dim", options.dim, ">= 1");
  if (options.hidden.size() + 1 > kMostLayers)
    throw InputError(
        fmt::format("hidden: has {} layers; at most {} are possible", options.hidden.size(), kMostHiddenLayers));
  require(options.time_features >= 0 && options.time_features <= kMostTimeFeatures, "time_features",
          options.time_features, fmt::format("in [0, {}]", kMostTimeFeatures));
  require_memory_of_network("hidden", options.dim + options.condition_dim, options.hidden, options.dim);
  Index in = options.dim;
  auto add = [this](const std::string& name, Index rows, Index cols, bool decays) {
    return this->add_parameter(name, rows, cols, decays);
  };
  for (std::size_t l = 0; l <= options.hidden.size(); ++l) {
    const Index out = l < options.hidden.size() ? options.hidden[l] : options.dim;
    if (out < 1) throw InputError("hidden = " + std::to_string(out) + ": each width must be >= 1");
    const LayerType type = l > 0 && options.time_at_input ? LayerType::ignore : options.layer;
    layers_->list.emplace_back(type, in, out, options.condition_dim, 1 + 2 * options.time_features,
                               "layers." + std::to_string(l), add);
    in = out;
  }
  if (has_parameter(options.activation)) {
    beta_ = add("activation_fns.0.beta", 1, 1, false);
    Vector<S> theta = this->theta();
    theta[beta_] = 1;
    this->set_theta(theta);
  }
  Index widest = 0;
  for (const Index width : options.hidden) widest = std::max(widest, width);
  layers_->ones = Vector<S>::Ones(widest);
  theta_changed();
}

template <class S> Mlp<S>::~Mlp() = default;

template <class S> Attributes Mlp<S>::describe() const {
  Attributes out = {{"hidden", std::vector<std::int64_t>(options_.hidden.begin(), options_.hidden.end())},
                    {"layer", to_string(options_.layer)},
                    {"activation", to_string(options_.activation)},
                    {"residual", options_.residual},
                    {"time_frequencies", static_cast<std::int64_t>(options_.time_features)}};
  if (options_.time_at_input) out.push_back({"time_at_input", true});  // only if it is true, so that older files stay valid
  return out;
}

template <class S> std::unique_ptr<VectorField<S>> Mlp<S>::clone() const {
  auto copy = std::make_unique<Mlp<S>>(options_);
  copy->set_theta(this->theta());
  return copy;
}

template <class S> void Mlp<S>::theta_changed() {
  const S* theta = this->theta().data();
  for (auto& layer : layers_->list) layer.theta_changed(theta);
  const auto& list = layers_->list;
  if (!has_trace() || !list.front().constant_slope()) return;
  typename BilinearTrace<S>::Layers layers{static_cast<int>(list.size()) - 1, {}, nullptr, skips(1)};
  for (std::size_t l = 0; l < list.size(); ++l) layers.weight[l] = list[l].weight(theta);
  layers_->trace_memory.resize(BilinearTrace<S>::memory_size(layers));
  layers_->trace.emplace(layers, layers_->trace_memory.data());
}

template <class S> bool Mlp<S>::skips(std::size_t l) const {
  const auto& list = layers_->list;
  return options_.residual && l > 0 && l + 1 < list.size() && list[l].in() == list[l].out();
}

template <class S> void Mlp<S>::initialize(Engine& engine, double scale_last) {
  Vector<S> theta = this->theta();
  const std::string last = "layers." + std::to_string(layers_->list.size() - 1) + ".";
  double bound = 1;
  for (const auto& p : this->parameters()) {
    if (p.name == "activation_fns.0.beta") continue;
    const bool weight = p.name.ends_with("weight"), hyper = p.name.find("_hypernet") != std::string::npos;
    if (weight) bound = 1 / std::sqrt(static_cast<double>(p.cols));  // a bias has the bound of the weight before it
    auto part = theta.segment(p.offset, p.size());
    if (hyper && weight)
      part.setZero();
    else if (hyper) {
      Matrix<S> noise(p.size(), 1);
      fill_normal<S>(engine, noise);
      part = S(0.01) * noise;
    } else {
      part = uniform_matrix<S>(engine, p.size(), 1, bound);
    }
    const bool scaled = p.name.find("._layer") != std::string::npos || hyper ||
                        p.name.ends_with("_hyper_bias.weight") || p.name.ends_with("_condition.weight");
    if (scaled && p.name.starts_with(last)) part *= static_cast<S>(scale_last);
  }
  this->set_theta(theta);
}

template <class S> bool Mlp<S>::set_zero() {
  Vector<S> theta = this->theta();
  const std::string last = "layers." + std::to_string(layers_->list.size() - 1) + ".";
  for (const auto& p : this->parameters())
    if (p.name.starts_with(last)) theta.segment(p.offset, p.size()).setZero();
  this->set_theta(theta);
  return true;
}

template <class S> typename Mlp<S>::Tape Mlp<S>::forward(const FieldPoint<S>& x, const TangentDirections<S>& e,
                                                         Keep what, Slopes slopes, Workspace<S>& w) const {
  assert(x.dim() == this->dim() && x.c.rows() == this->condition_dim());
  const auto& list = layers_->list;
  const Index batch = x.batch(), k = e.k, columns = (1 + k) * batch;
  const S* theta = this->theta().data();
  Tape tape{{}, TimeFeatures<S>(x.t, options_.time_features), slopes == Slopes::yes};
  const bool keep = what == Keep::for_pullback || tape.slopes;  // slopes are read after the last layer

  Index widest = 0;
  for (const auto& layer : list) widest = std::max(widest, layer.out());
  S* scratch[2] = {nullptr, nullptr};
  if (!keep) scratch[0] = w.take(widest * columns), scratch[1] = w.take(widest * columns);

  for (std::size_t l = 0; l < list.size(); ++l) {
    const auto& layer = list[l];
    auto& now = tape.layers[l];
    const Index out = layer.out();
    now.at = layer.at(x.t, tape.time, theta, w);
    S* q = keep ? w.take(out * columns) : scratch[l % 2];
    now.q = q, now.q_tangents = q + out * batch;
    const bool shared = l == 0 && e.kind == TangentDirections<S>::Kind::identity;
    if (tape.slopes) now.q_tangents = layers_->ones.data();
    if (l == 0) {
      multiply(now.at.weight, x.z.data(), x.z.outerStride(), batch, q, out);
      if (shared)
        now.q_tangents = now.at.weight.columns;
      else if (k > 0)
        multiply(now.at.weight, e.probes, layer.in(), k * batch, q + out * batch, out);
    } else {
      multiply(now.at.weight, tape.layers[l - 1].h, layer.in(), columns, q, out);
    }
    if (layer.condition() > 0) {
      using RowMajor = Eigen::Matrix<S, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
      const Eigen::Map<const RowMajor> c(theta + layer.condition_weight(), out, layer.condition());
      MatrixMap<S>(q, out, batch).noalias() += c * x.c;
    }
    S* y = keep ? w.take(out * (columns + (tape.slopes ? batch : 0))) : q;
    tape.gated(*this, l, batch, e).forward(y, y + out * batch);
    now.y = now.h = y;
    if (skips(l)) {
      S* h = keep ? w.take(out * columns) : y;
      VectorMap<S>(h, out * columns) =
          VectorMap<S>(y, out * columns) + ConstVectorMap<S>(tape.layers[l - 1].h, out * columns);
      now.h = h;
    }
  }
  return tape;
}

// bars: [f_bar | je_bar], d x (1 + k) B, is overwritten. trace is null if the closed form is not used.
template <class S> void Mlp<S>::reverse(const Tape& tape, const FieldPoint<S>& x, const TangentDirections<S>& e,
                                        const TracePullback* trace, S* bars, FieldCotangent<S> to,
                                        Workspace<S>& w) const {
  const auto& list = layers_->list;
  const Index batch = x.batch(), columns = (1 + e.k) * batch;
  const S* theta = this->theta().data();
  S* theta_bar = to.theta.data();
  const bool wants_theta = to.theta.size() > 0;
  TimeVector<S> u_bar = TimeVector<S>::Zero(tape.time.value.size());
  double t_bar = 0;
  S unused_beta = 0;
  S* y_bar = bars;  // the cotangent of h, then of y, then of q of the layer
  const LayerCotangents<S> of_layers(list, to.theta, w);
  typename BilinearTrace<S>::Cotangents of_trace{};
  if (trace) of_trace = trace->pullback(*this, of_layers.weight.data(), of_layers.gate[list.size() - 1], batch, w);

  for (std::size_t l = list.size(); l-- > 0;) {
    const auto& layer = list[l];
    const auto& now = tape.layers[l];
    const Index in = layer.in(), out = layer.out();
    const S* carried = nullptr;  // h_bar, which a residual connection passes on to the layer below
    if (skips(l)) {
      S* copy = w.take(out * columns);
      VectorMap<S>(copy, out * columns) = ConstVectorMap<S>(y_bar, out * columns);
      carried = copy;
    }
    auto shift_bar = w.vector(out);
    shift_bar.setZero();
    S* slope_bar = trace && l + 1 < list.size() ? of_trace.slopes[l] : y_bar + out * batch;
    tape.gated(*this, l, batch, e)
        .pullback(now.y, y_bar, slope_bar, of_layers.gate[l], shift_bar.data(),
                  beta_ < 0 || !wants_theta ? &unused_beta : theta_bar + beta_);

    if (wants_theta && l > 0)
      add_outer(in, out, columns, tape.layers[l - 1].h, in, y_bar, out, of_layers.weight[l], in);
    else if (wants_theta)
      add_first_weight_cotangent(layer, x, e, y_bar, of_layers.weight[l]);
    add_condition_cotangents(layer, x, theta, ConstMatrixMap<S>(y_bar, out, batch), to);
    if (wants_theta)
      layer.pullback(x.t, tape.time, now.at, theta, of_layers.weight[l], of_layers.gate[l], shift_bar.data(), theta_bar,
                     u_bar, t_bar);

    const LeftFactor<S> transpose{in, out, now.at.weight.rows_first, now.at.weight.columns};
    if (l == 0) {
      multiply(transpose, y_bar, out, batch, to.z.data(), to.z.outerStride());
      break;
    }
    S* x_bar = w.take(in * columns);
    multiply(transpose, y_bar, out, columns, x_bar, in);
    if (carried) VectorMap<S>(x_bar, in * columns) += ConstVectorMap<S>(carried, in * columns);
    y_bar = x_bar;
  }
  if (wants_theta) *to.t += t_bar + static_cast<double>(u_bar.dot(tape.time.derivative));
}

template <class S> void Mlp<S>::value(const FieldPoint<S>& x, MatrixRef<S> f, Workspace<S>& w) const {
  typename Workspace<S>::Frame frame(w);
  const Tape tape = forward(x, {}, Keep::nothing, Slopes::no, w);
  f = ConstMatrixMap<S>(tape.layers[layers_->list.size() - 1].y, this->dim(), x.batch());
}

template <class S> void Mlp<S>::tangents(const FieldPoint<S>& x, const TangentDirections<S>& e, MatrixRef<S> f,
                                         MatrixRef<S> je, Workspace<S>& w) const {
  typename Workspace<S>::Frame frame(w);
  const Tape tape = forward(x, e, Keep::nothing, Slopes::no, w);
  const S* y = tape.layers[layers_->list.size() - 1].y;
  f = ConstMatrixMap<S>(y, this->dim(), x.batch());
  je = ConstMatrixMap<S>(y + this->dim() * x.batch(), this->dim(), e.k * x.batch());
}

template <class S> void Mlp<S>::tangents_and_pullback(const FieldPoint<S>& x, const TangentDirections<S>& e,
                                                      CotangentRule<S>& rule, MatrixRef<S> f, MatrixRef<S> je,
                                                      FieldCotangent<S> out, Workspace<S>& w) const {
  typename Workspace<S>::Frame frame(w);
  const Index d = this->dim(), batch = x.batch();
  const Tape tape = forward(x, e, Keep::for_pullback, Slopes::no, w);
  const S* y = tape.layers[layers_->list.size() - 1].y;
  f = ConstMatrixMap<S>(y, d, batch);
  je = ConstMatrixMap<S>(y + d * batch, d, e.k * batch);
  S* bars = w.take(d * (1 + e.k) * batch);
  rule(f, je, MatrixMap<S>(bars, d, batch), MatrixMap<S>(bars + d * batch, d, e.k * batch));
  reverse(tape, x, e, nullptr, bars, out, w);
}

template <class S> void Mlp<S>::pullback(const FieldPoint<S>& x, const TangentDirections<S>& e, ConstMatrixRef<S> f_bar,
                                         ConstMatrixRef<S> je_bar, FieldCotangent<S> out, Workspace<S>& w) const {
  typename Workspace<S>::Frame frame(w);
  auto f = w.matrix(this->dim(), x.batch());
  auto je = w.matrix(this->dim(), e.k * x.batch());
  GivenCotangents<S> rule(f_bar, je_bar);
  tangents_and_pullback(x, e, rule, f, je, out, w);
}

template <class S>
void Mlp<S>::value_and_trace(const FieldPoint<S>& x, MatrixRef<S> f, MatrixRef<S> trace, Workspace<S>& w) const {
  if (!has_trace()) return VectorField<S>::value_and_trace(x, f, trace, w);
  typename Workspace<S>::Frame frame(w);
  const Index batch = x.batch();
  const Tape tape = forward(x, {}, Keep::nothing, Slopes::yes, w);
  const auto form = TracePullback::form_at(*this, tape, w);
  S* product = w.take(form.product_rows() * batch);
  S* row = w.take(batch);
  form.forward(TracePullback::slopes_of(*this, tape, batch).data(), batch, product, row);
  f = ConstMatrixMap<S>(tape.layers[layers_->list.size() - 1].y, this->dim(), batch);
  trace = ConstMatrixMap<S>(row, 1, batch);
}

template <class S> void Mlp<S>::trace_and_pullback(const FieldPoint<S>& x, CotangentRule<S>& rule, MatrixRef<S> f,
                                                   MatrixRef<S> trace, FieldCotangent<S> out, Workspace<S>& w) const {
  if (!has_trace()) return VectorField<S>::trace_and_pullback(x, rule, f, trace, out, w);
  typename Workspace<S>::Frame frame(w);
  const Index d = this->dim(), batch = x.batch();
  const Tape tape = forward(x, {}, Keep::for_pullback, Slopes::yes, w);
  const auto form = TracePullback::form_at(*this, tape, w);
  S *product = w.take(form.product_rows() * batch), *row = w.take(batch);
  TracePullback pullback{form, product, row, TracePullback::slopes_of(*this, tape, batch)};
  form.forward(pullback.slopes.data(), batch, product, row);
  f = ConstMatrixMap<S>(tape.layers[layers_->list.size() - 1].y, d, batch);
  trace = ConstMatrixMap<S>(row, 1, batch);
  S* bars = w.take(d * batch);
  rule(f, trace, MatrixMap<S>(bars, d, batch), MatrixMap<S>(row, 1, batch));  // row: from here on the cotangent
  reverse(tape, x, {}, &pullback, bars, out, w);
}

// Counts the matrix products, with two operations per multiply-add; all else grows with the widths only.
template <class S> double Mlp<S>::flops(const TangentDirections<S>& e) const {
  double sum = 0;
  for (std::size_t l = 0; l < layers_->list.size(); ++l) {
    const auto& layer = layers_->list[l];
    const bool shared = l == 0 && e.kind == TangentDirections<S>::Kind::identity;
    sum += 2.0 * static_cast<double>(layer.out() * (layer.in() * (shared ? 1 : 1 + e.k) + layer.condition()));
  }
  return sum;
}

// Counts one evaluation, and two products for each of its products: one gives the cotangent of the weights, the other
// that of the input of the layer. The directions need no cotangent.
template <class S> double Mlp<S>::pullback_flops(const TangentDirections<S>& e) const {
  double sum = 3 * flops(e);
  const auto& first = layers_->list.front();
  if (e.kind == TangentDirections<S>::Kind::probes) sum -= 2.0 * static_cast<double>(first.out() * first.in() * e.k);
  return sum;
}

template class Mlp<float>;
template class Mlp<double>;

}  // namespace pathline

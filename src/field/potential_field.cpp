#include "pathline/field/potential_field.hpp"

#include <cassert>
#include <cmath>

#include "core/memory.hpp"
#include "core/option_check.hpp"
#include "core/product.hpp"
#include "field/potential_kernel.hpp"

namespace pathline {
namespace {

template <class S> using Scratch = typename Workspace<S>::AlignedMatrix;

}  // namespace

// The intermediate results of one pass. There are N = (1 + k) B columns: the B values, then k blocks of B tangents.
template <class S> struct PotentialField<S>::Tape {
  struct Layer {
    Scratch<S> tanh;  // m x B: sigma' of the preactivation a
    Scratch<S> a;     // m x N; the block of the values is not kept
    Scratch<S> u;     // m x N
    Scratch<S> g, q;  // m x N: dPhi/du, dPhi/da
  };
  struct Reversal;
  Index batch, k;
  Scratch<S> v;   // n x N: s, then the directions
  Scratch<S> av;  // r x N: A v
  Scratch<S> y;   // n x N: grad Phi, then the Hessian applied to the directions
  std::vector<Layer> layers;
  auto block(Scratch<S>& m, Index j) const { return m.middleCols(j * batch, batch).array(); }
  auto block(const Scratch<S>& m, Index j) const { return m.middleCols(j * batch, batch).array(); }
};

template <class S> PotentialField<S>::PotentialField(const PotentialFieldOptions& o)
    : VectorField<S>(o.dim, o.condition_dim), options_(o) {
  require(o.dim >= 1, "dim", o.dim, ">= 1");
  require(o.width >= 1, "width", o.width, ">= 1");
  require(o.layers >= 1, "layers", o.layers, ">= 1");
  require(o.rank >= 1, "rank", o.rank, ">= 1");
  const double width = static_cast<double>(o.width), layers = static_cast<double>(o.layers);
  require_memory("width", o.width, training_bytes(layers * width * (width + 1)));
  options_.rank = std::min(o.rank, inputs());
  for (Index l = 0; l < o.layers; ++l) {
    const std::string name = "layers." + std::to_string(l);
    weight_.push_back(this->add_parameter(name + ".weight", o.width, l == 0 ? inputs() : o.width, true));
    bias_.push_back(this->add_parameter(name + ".bias", o.width, 1, false));
  }
  output_ = this->add_parameter("output", o.width, 1, true);
  factor_ = this->add_parameter("quadratic.weight", options_.rank, inputs(), true);
  linear_ = this->add_parameter("linear", inputs(), 1, false);
}

template <class S> Attributes PotentialField<S>::describe() const {
  return {{"width", static_cast<std::int64_t>(options_.width)},
          {"layers", static_cast<std::int64_t>(options_.layers)},
          {"rank", static_cast<std::int64_t>(options_.rank)}};
}

template <class S> std::unique_ptr<VectorField<S>> PotentialField<S>::clone() const {
  return std::make_unique<PotentialField<S>>(*this);
}

template <class S> void PotentialField<S>::initialize(Engine& engine) {
  Vector<S> theta = this->theta();
  double bound = 1;
  for (const auto& p : this->parameters()) {
    auto part = theta.segment(p.offset, p.size());
    if (p.name == "linear") continue;
    if (p.name == "output") {
      part.setConstant(static_cast<S>(1 / std::sqrt(static_cast<double>(options_.width))));
      continue;
    }
    if (p.name.ends_with("weight")) bound = 1 / std::sqrt(static_cast<double>(p.cols));
    Matrix<S> noise(p.size(), 1);
    fill_uniform<S>(engine, noise);
    part = (static_cast<S>(2 * bound) * noise.array() - static_cast<S>(bound)).matrix();
  }
  this->set_theta(theta);
}

namespace {

template <class S> S step_size(Index layer, Index layers) {
  return layer == 0 ? S(1) : S(1) / static_cast<S>(layers - 1);
}

// A weight in both orders: with contiguous rows, as it is in theta, and as a copy with contiguous columns.
template <class S> struct WeightPair {
  Index rows, cols;
  const S *rows_first, *columns;
  template <class Weight> WeightPair(const Weight& weight, Workspace<S>& w) : rows(weight.rows()), cols(weight.cols()) {
    auto copy = w.matrix(rows, cols);
    copy = weight;
    rows_first = weight.data(), columns = copy.data();
  }
  void apply(const Scratch<S>& b, Scratch<S>& c, Store store = Store::overwrite) const {  // c = W b
    multiply(LeftFactor<S>{rows, cols, columns, rows_first}, b.data(), b.rows(), b.cols(), c.data(), c.rows(), store);
  }
  void apply_transpose(const Scratch<S>& b, Scratch<S>& c, Store store = Store::overwrite) const {  // c = W^T b
    multiply(LeftFactor<S>{cols, rows, rows_first, columns}, b.data(), b.rows(), b.cols(), c.data(), c.rows(), store);
  }
};

}  // namespace

// Goes up through the layers with their tangents, and then down again with the gradient and its tangents.
template <class S> typename PotentialField<S>::Tape PotentialField<S>::forward(const FieldPoint<S>& x,
                                                                               const TangentDirections<S>& e,
                                                                               Workspace<S>& w) const {
  assert(x.dim() == this->dim() && x.c.rows() == this->condition_dim());
  const Index d = x.dim(), batch = x.batch(), k = e.k, n = inputs(), m = options_.width, count = (1 + k) * batch;
  const Index last = options_.layers - 1;
  const S* theta = this->theta().data();
  Tape tape{batch, k, w.matrix(n, count), w.matrix(options_.rank, count), w.matrix(n, count), {}};
  tape.v.setZero();
  tape.v.topLeftCorner(d, batch) = x.z;
  tape.v.row(d).head(batch).setConstant(static_cast<S>(x.t));
  if (n > d + 1) tape.v.bottomRows(n - d - 1).leftCols(batch) = x.c;  // without a condition, c may have no columns
  if (k > 0) e.write(d, batch, tape.v.topRightCorner(d, k * batch));

  std::vector<WeightPair<S>> weights;
  for (Index l = 0; l <= last; ++l) weights.emplace_back(this->weight(l), w);
  for (Index l = 0; l <= last; ++l) {
    const S h = step_size<S>(l, options_.layers);
    const ConstVectorMap<S> bias(theta + bias_[static_cast<std::size_t>(l)], m);
    typename Tape::Layer layer{w.matrix(m, batch), w.matrix(m, count), w.matrix(m, count), w.matrix(m, count),
                               w.matrix(m, count)};
    const auto& below = l == 0 ? tape.v : tape.layers.back().u;
    weights[static_cast<std::size_t>(l)].apply(below, layer.a);
    layer.a.leftCols(batch).colwise() += bias;
    PotentialLayer<S>{h, m, batch, k, layer.a.data()}.forward(layer.tanh.data(), layer.u.data());
    if (l > 0) layer.u += below;
    tape.layers.push_back(layer);
  }
  for (Index l = last; l >= 0; --l) {
    auto& layer = tape.layers[static_cast<std::size_t>(l)];
    if (l == last) {
      layer.g.leftCols(batch) = ConstVectorMap<S>(theta + output_, m).replicate(1, batch);
      layer.g.rightCols(k * batch).setZero();
    } else {
      const auto& above = tape.layers[static_cast<std::size_t>(l + 1)];
      layer.g = above.g;
      weights[static_cast<std::size_t>(l + 1)].apply_transpose(above.q, layer.g, Store::add);
    }
    PotentialLayer<S>{step_size<S>(l, options_.layers), m, batch, k, layer.a.data()}.gradient(
        layer.tanh.data(), layer.g.data(), layer.q.data());
  }
  const WeightPair<S> factor(Eigen::Map<const RowMajor>(theta + factor_, options_.rank, n), w);
  factor.apply(tape.v, tape.av);
  weights[0].apply_transpose(tape.layers[0].q, tape.y);
  factor.apply_transpose(tape.av, tape.y, Store::add);
  tape.y.leftCols(batch).colwise() += ConstVectorMap<S>(theta + linear_, n);
  return tape;
}

template <class S> void PotentialField<S>::write(const Tape& tape, MatrixRef<S> f, MatrixRef<S> je) const {
  const Index d = this->dim(), batch = tape.batch;
  f.topRows(d) = -tape.y.topLeftCorner(d, batch);
  if (f.rows() > d) f.row(d) = tape.y.row(d).head(batch);
  je = -tape.y.topRightCorner(d, tape.k * batch);
}

template <class S> void PotentialField<S>::value(const FieldPoint<S>& x, MatrixRef<S> f, Workspace<S>& w) const {
  typename Workspace<S>::Frame frame(w);
  write(forward(x, {}, w), f, w.matrix(x.dim(), 0));
}

template <class S> void PotentialField<S>::tangents(const FieldPoint<S>& x, const TangentDirections<S>& e,
                                                    MatrixRef<S> f, MatrixRef<S> je, Workspace<S>& w) const {
  typename Workspace<S>::Frame frame(w);
  write(forward(x, e, w), f, je);
}

template <class S> void PotentialField<S>::pullback(const FieldPoint<S>& x, const TangentDirections<S>& e,
                                                    ConstMatrixRef<S> f_bar, ConstMatrixRef<S> je_bar,
                                                    FieldCotangent<S> out, Workspace<S>& w) const {
  typename Workspace<S>::Frame frame(w);
  reverse(forward(x, e, w), f_bar, je_bar, out, w);
}

template <class S> void PotentialField<S>::tangents_and_pullback(const FieldPoint<S>& x, const TangentDirections<S>& e,
                                                                 CotangentRule<S>& rule, MatrixRef<S> f,
                                                                 MatrixRef<S> je, FieldCotangent<S> out,
                                                                 Workspace<S>& w) const {
  typename Workspace<S>::Frame frame(w);
  const auto tape = forward(x, e, w);
  write(tape, f, je);
  auto f_bar = w.matrix(f.rows(), f.cols()), je_bar = w.matrix(je.rows(), je.cols());
  rule(f, je, f_bar, je_bar);
  reverse(tape, f_bar, je_bar, out, w);
}

// The transpose of forward(), whose operations it reverses from the last to the first. x_bar is the cotangent of x.
template <class S> struct PotentialField<S>::Tape::Reversal {
  const PotentialField& field;
  const Tape& tape;
  FieldCotangent<S> to;
  Workspace<S>& w;
  const Index n = field.inputs(), m = field.options_.width, layers = field.options_.layers, rank = field.options_.rank;
  const Index batch = tape.batch, k = tape.k, count = (1 + k) * batch;
  const bool wants_theta = to.theta.size() > 0;
  Scratch<S> y_bar = w.matrix(n, count), v_bar = w.matrix(n, count), av_bar = w.matrix(rank, count);
  Scratch<S> q_bar = w.matrix(m, count), g_bar = w.matrix(m, count);
  std::vector<Scratch<S>> a_bar = {};  // of each layer

  auto weight_bar(Index offset, Index rows, Index cols) {
    return Eigen::Map<RowMajor>(to.theta.data() + offset, rows, cols);
  }
  auto vector_bar(Index offset, Index rows) { return VectorMap<S>(to.theta.data() + offset, rows); }
  S step(Index l) const { return step_size<S>(l, layers); }

  void run(ConstMatrixRef<S> f_bar, ConstMatrixRef<S> je_bar) {
    const Index d = field.dim();
    y_bar.setZero();
    y_bar.topLeftCorner(d, batch) = -f_bar.topRows(d);
    if (f_bar.rows() > d) y_bar.row(d).head(batch) = f_bar.row(d);
    y_bar.topRightCorner(d, k * batch) = -je_bar;
    reverse_quadratic_form();
    reverse_gradient();
    reverse_layers();
    to.z = v_bar.topLeftCorner(d, batch);
    if (field.condition_dim() > 0) to.c += v_bar.bottomRows(field.condition_dim()).leftCols(batch);
    if (wants_theta) *to.t += static_cast<double>(v_bar.row(d).head(batch).sum());
  }

  void reverse_quadratic_form() {
    const Eigen::Map<const RowMajor> factor(field.theta().data() + field.factor_, rank, n);
    av_bar.noalias() = factor * y_bar;
    v_bar.noalias() = factor.transpose() * av_bar;
    if (!wants_theta) return;
    weight_bar(field.factor_, rank, n).noalias() += tape.av * y_bar.transpose();
    weight_bar(field.factor_, rank, n).noalias() += av_bar * tape.v.transpose();
    vector_bar(field.linear_, n) += y_bar.leftCols(batch).rowwise().sum();
    weight_bar(field.weight_[0], m, n).noalias() += tape.layers[0].q * y_bar.transpose();
  }

  // The transpose of the gradient's pass runs upwards; a_bar of each layer is kept for the downward pass.
  void reverse_gradient() {
    g_bar.setZero();
    q_bar.noalias() = field.weight(0) * y_bar;
    for (Index l = 0; l < layers; ++l) {
      const auto& layer = tape.layers[static_cast<std::size_t>(l)];
      if (l > 0) {
        q_bar.noalias() = field.weight(l) * g_bar;
        if (wants_theta)
          weight_bar(field.weight_[static_cast<std::size_t>(l)], m, m).noalias() += layer.q * g_bar.transpose();
      }
      a_bar.push_back(w.matrix(m, count));
      reverse_gradient_of(layer, step(l), a_bar.back());
    }
    if (wants_theta) vector_bar(field.output_, m) += g_bar.leftCols(batch).rowwise().sum();
  }

  void reverse_gradient_of(const Layer& layer, S h, Scratch<S>& a) {
    const auto s1 = layer.tanh.array();
    const auto s2 = 1 - s1.square();
    const auto g = tape.block(layer.g, 0);
    tape.block(a, 0) = h * s2 * g * tape.block(q_bar, 0);
    tape.block(g_bar, 0) += h * s1 * tape.block(q_bar, 0);
    for (Index j = 1; j <= k; ++j) {
      const auto dot = tape.block(layer.a, j);
      const auto along = tape.block(q_bar, j);
      // sigma''' = -2 sigma' sigma''
      tape.block(a, 0) += h * s2 * (tape.block(layer.g, j) - 2 * s1 * dot * g) * along;
      tape.block(a, j) = h * s2 * g * along;
      tape.block(g_bar, 0) += h * s2 * dot * along;
      tape.block(g_bar, j) += h * s1 * along;
    }
  }

  // The transpose of the layers runs downwards. u_bar reuses the memory of q_bar.
  void reverse_layers() {
    auto& u_bar = q_bar;
    u_bar.setZero();
    for (Index l = layers - 1; l >= 0; --l) {
      const auto at = static_cast<std::size_t>(l);
      const auto& layer = tape.layers[at];
      const S h = step(l);
      auto& a = a_bar[at];
      const auto s1 = layer.tanh.array();
      tape.block(a, 0) += h * s1 * tape.block(u_bar, 0);
      for (Index j = 1; j <= k; ++j) {
        tape.block(a, 0) += h * (1 - s1.square()) * tape.block(layer.a, j) * tape.block(u_bar, j);
        tape.block(a, j) += h * s1 * tape.block(u_bar, j);
      }
      if (wants_theta) {
        const auto& below = l == 0 ? tape.v : tape.layers[at - 1].u;
        weight_bar(field.weight_[at], m, l == 0 ? n : m).noalias() += a * below.transpose();
        vector_bar(field.bias_[at], m) += a.leftCols(batch).rowwise().sum();
      }
      const auto weight = field.weight(l);
      if (l > 0)
        u_bar.noalias() += weight.transpose() * a;
      else
        v_bar.noalias() += weight.transpose() * a;
    }
  }
};

template <class S> void PotentialField<S>::reverse(const Tape& tape, ConstMatrixRef<S> f_bar, ConstMatrixRef<S> je_bar,
                                                   FieldCotangent<S> to, Workspace<S>& w) const {
  typename Tape::Reversal{*this, tape, to, w}.run(f_bar, je_bar);
}

template <class S> void PotentialField<S>::potential(const FieldPoint<S>& x, MatrixRef<S> phi, Workspace<S>& w) const {
  typename Workspace<S>::Frame frame(w);
  const auto tape = forward(x, {}, w);
  const S* theta = this->theta().data();
  phi = ConstVectorMap<S>(theta + output_, options_.width).transpose() * tape.layers.back().u +
        ConstVectorMap<S>(theta + linear_, inputs()).transpose() * tape.v + S(0.5) * tape.av.colwise().squaredNorm();
}

template <class S> double PotentialField<S>::flops(const TangentDirections<S>& e) const {
  const double n = static_cast<double>(inputs()), m = static_cast<double>(options_.width),
               r = static_cast<double>(options_.rank);
  return 2 * 2 * static_cast<double>(1 + e.k) * (n * m + static_cast<double>(options_.layers - 1) * m * m + r * n);
}

template <class S> double PotentialField<S>::pullback_flops(const TangentDirections<S>& e) const {
  return 3 * flops(e);
}

template class PotentialField<float>;
template class PotentialField<double>;

}  // namespace pathline

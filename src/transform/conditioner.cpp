#include "pathline/transform/conditioner.hpp"

#include <algorithm>
#include <cmath>

#include "core/memory.hpp"
#include "core/option_check.hpp"
#include "core/product.hpp"
#include "field/activation_kernel.hpp"

namespace pathline {

// Pointers to the arrays of a hidden layer: the products q = W x, the values y = s(q + b) and the output h, which is y or,
// with a residual connection, y plus the input x.
template <class S> struct Conditioner<S>::Pass { S *q, *y, *h; };

namespace {

// The kernels do not accept a matrix without rows or columns.
template <class S> void product(const LeftFactor<S>& a, const S* b, Index n, S* c) {
  if (a.depth == 0)
    std::fill_n(c, a.rows * n, S(0));
  else if (a.rows > 0)
    multiply(a, b, a.depth, n, c, a.rows);
}

template <class S>
GatedActivation<S> activation_of(Activation kind, Index rows, Index batch, const S* ones, const S* bias, const S* q) {
  return {.activation = kind,
          .rows = rows,
          .batch = batch,
          .tangents = 0,
          .gate = ones,
          .shift = bias,
          .q = q,
          .q_tangents = nullptr};
}

}  // namespace

template <class S> Conditioner<S>::Conditioner(const ConditionerOptions& options) : options_(options) {
  require(options.in >= 0, "in", options.in, ">= 0");
  require(options.out >= 1, "out", options.out, ">= 1");
  require_memory_of_network("hidden", options.in, options.hidden, options.out);
  Index in = options.in, at = 0, widest = 0;
  for (std::size_t l = 0; l <= options.hidden.size(); ++l) {
    const bool last = l == options.hidden.size();
    const Index out = last ? options.out : options.hidden[l];
    require(out >= 1, "hidden", out, ">= 1");
    const std::string name = "layers." + std::to_string(l);
    if (in > 0) parameters_.push_back({name + ".weight", out, in, at, true});
    parameters_.push_back({name + ".bias", out, 1, at + out * in, false});
    layers_.push_back({in, out, at, at + out * in, options.residual && !last && l > 0 && in == out, {}});
    at += out * (in + 1), in = out, widest = std::max(widest, out);
  }
  ones_ = Vector<S>::Ones(widest);
  set_theta(Vector<double>::Zero(at));
}

template <class S> void Conditioner<S>::initialize(Engine& engine) {
  Vector<double> theta = Vector<double>::Zero(theta_.size());
  for (std::size_t l = 0; l + 1 < layers_.size(); ++l) {
    const auto& layer = layers_[l];
    const double bound = 1 / std::sqrt(static_cast<double>(std::max<Index>(layer.in, 1)));
    for (Index i = 0; i < layer.out * (layer.in + 1); ++i) theta[layer.weight + i] = uniform(engine, -bound, bound);
  }
  set_theta(theta);
}

template <class S> void Conditioner<S>::set_theta(ConstVectorRef<double> theta) {
  theta_ = theta.template cast<S>();
  for (auto& layer : layers_)
    layer.columns = ConstMatrixMap<S>(theta_.data() + layer.weight, layer.in, layer.out).transpose();
}

template <class S> Index Conditioner<S>::memory_size(Index batch) const {
  Index rows = 0;
  for (std::size_t l = 0; l + 1 < layers_.size(); ++l) rows += (layers_[l].skips ? 3 : 2) * layers_[l].out;
  return rows * batch;
}

template <class S> auto Conditioner<S>::passes(Index batch, S* memory) const -> std::vector<Pass> {
  std::vector<Pass> out(layers_.size() - 1);
  for (std::size_t l = 0; l < out.size(); ++l) {
    const Index size = layers_[l].out * batch;
    out[l] = {memory, memory + size, memory + (layers_[l].skips ? 2 : 1) * size};
    memory = out[l].h + size;
  }
  return out;
}

template <class S> void Conditioner<S>::forward(const S* x, Index batch, S* y, S* memory) const {
  const auto all = passes(batch, memory);
  const S* h = x;
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    const auto& layer = layers_[l];
    const LeftFactor<S> weight{layer.out, layer.in, layer.columns.data(), theta_.data() + layer.weight};
    const S* bias = theta_.data() + layer.bias;
    if (l == all.size()) {
      product(weight, h, batch, y);
      MatrixMap<S>(y, layer.out, batch).colwise() += ConstVectorMap<S>(bias, layer.out);
      return;
    }
    const auto& pass = all[l];
    product(weight, h, batch, pass.q);
    activation_of(options_.activation, layer.out, batch, ones_.data(), bias, pass.q).forward(pass.y, nullptr);
    if (layer.skips)
      VectorMap<S>(pass.h, layer.out * batch) =
          ConstVectorMap<S>(pass.y, layer.out * batch) + ConstVectorMap<S>(h, layer.out * batch);
    h = pass.h;
  }
}

template <class S> void Conditioner<S>::pullback(const S* x, Index batch, const S* memory, const S* y_bar, S* x_bar,
                                                 S* theta_bar, Workspace<S>& w) const {
  typename Workspace<S>::Frame frame(w);
  const auto all = passes(batch, const_cast<S*>(memory));  // the memory is only read here
  const Index widest = ones_.size();
  S* bar = w.take(widest * batch);    // the cotangent of the products of a layer
  S* below = w.take(widest * batch);  // the cotangent of its input
  S *gate_bar = w.take(widest), *shift_bar = w.take(widest), beta_bar = 0;
  std::copy_n(y_bar, layers_.back().out * batch, bar);
  for (std::size_t l = layers_.size(); l-- > 0;) {
    const auto& layer = layers_[l];
    const S* h = l == 0 ? x : all[l - 1].h;
    std::fill_n(gate_bar, layer.out, S(0)), std::fill_n(shift_bar, layer.out, S(0));
    S* skipped = nullptr;  // the cotangent of the output, which passes a residual connection unchanged
    typename Workspace<S>::Frame inner(w);
    if (l < all.size()) {
      if (layer.skips) std::copy_n(bar, layer.out * batch, skipped = w.take(layer.out * batch));
      activation_of(options_.activation, layer.out, batch, ones_.data(), theta_.data() + layer.bias, all[l].q)
          .pullback(all[l].y, bar, nullptr, gate_bar, shift_bar, &beta_bar);
    } else {
      VectorMap<S>(shift_bar, layer.out) = ConstMatrixMap<S>(bar, layer.out, batch).rowwise().sum();
    }
    if (theta_bar) {
      if (layer.in > 0)
        add_outer(layer.in, layer.out, batch, h, layer.in, bar, layer.out, theta_bar + layer.weight, layer.in);
      VectorMap<S>(theta_bar + layer.bias, layer.out) += ConstVectorMap<S>(shift_bar, layer.out);
    }
    S* to = l == 0 ? x_bar : below;
    product(LeftFactor<S>{layer.in, layer.out, theta_.data() + layer.weight, layer.columns.data()}, bar, batch, to);
    if (skipped) VectorMap<S>(to, layer.in * batch) += ConstVectorMap<S>(skipped, layer.in * batch);
    std::swap(bar, below);
  }
}

template class Conditioner<float>;
template class Conditioner<double>;

}  // namespace pathline

#include "field/bilinear_trace.hpp"

namespace pathline {
namespace {

// Hands out pieces of one array. Each piece begins at a multiple of 64 bytes from the start of the array.
template <class S> class Pieces {
 public:
  explicit Pieces(S* memory) : at_(memory) {}
  static Index padded(Index count) { return (count + kLine - 1) / kLine * kLine; }
  S* take(Index count) {
    S* piece = at_;
    at_ += padded(count);
    return piece;
  }

 private:
  static constexpr Index kLine = 64 / sizeof(S);
  S* at_;
};

template <class S> LeftFactor<S> transposed(const LeftFactor<S>& a) {
  return {a.depth, a.rows, a.rows_first, a.columns};
}

template <class S> ConstMatrixMap<S> map(const S* a, Index rows, Index cols) { return {a, rows, cols}; }

}  // namespace

template <class S> Index BilinearTrace<S>::memory_size(const Layers& layers) {
  using P = Pieces<S>;
  const auto& last = layers.weight[layers.hidden];
  const Index gated = layers.gate ? P::padded(last.rows * last.depth) : 0;
  if (layers.hidden == 0) return gated;
  const Index h1 = layers.weight[0].rows;
  if (layers.hidden == 1) return gated + P::padded(h1);
  return gated + 3 * P::padded(h1 * last.depth) + P::padded(h1);
}

template <class S> BilinearTrace<S>::BilinearTrace(const Layers& layers, S* memory) : layers_(layers) {
  Pieces<S> pieces(memory);
  const auto& last = layers.weight[layers.hidden];
  const Index d = last.rows, in = last.depth;
  gated_ = last.columns;
  if (layers.gate) {
    S* gated = pieces.take(d * in);
    MatrixMap<S>(gated, d, in) = ConstVectorMap<S>(layers.gate, d).asDiagonal() * map(last.columns, d, in);
    gated_ = gated;
  }
  if (layers.hidden == 0) {
    constant_ = map(gated_, d, d).trace();
    return;
  }
  const auto& first = layers.weight[0];
  const Index h1 = first.rows;
  S* linear = layers.hidden == 1 || layers.residual ? pieces.take(h1) : nullptr;
  linear_ = linear;
  if (layers.hidden == 1) {
    VectorMap<S>(linear, h1) =
        map(first.rows_first, d, h1).cwiseProduct(map(gated_, d, h1)).colwise().sum().transpose();
    return;
  }
  const auto& second = layers.weight[1];
  const Index h2 = second.rows;
  S *n = pieces.take(h1 * h2), *m = pieces.take(h1 * h2), *m_rows = pieces.take(h1 * h2);
  multiply(first, gated_, d, h2, n, h1);
  VectorMap<S>(m_rows, h1 * h2) =
      ConstVectorMap<S>(n, h1 * h2).cwiseProduct(ConstVectorMap<S>(second.rows_first, h1 * h2));
  transpose(h1, h2, m_rows, h1, m, h2);
  n_ = n, m_ = {h2, h1, m, m_rows}, m_transposed_ = transposed(m_);
  if (linear) VectorMap<S>(linear, h1) = map(n, h1, h2).diagonal();
}

template <class S> void BilinearTrace<S>::forward(const S* const* slopes, Index batch, S* product, S* trace) const {
  RowVectorMap<S> out(trace, batch);
  out.setConstant(constant_);
  if (layers_.hidden == 2) {
    const Index h1 = m_.depth, h2 = m_.rows;
    multiply(m_, slopes[0], h1, batch, product, h2);
    out = map(product, h2, batch).cwiseProduct(map(slopes[1], h2, batch)).colwise().sum();
  }
  if (linear_) {
    const Index h1 = layers_.weight[0].rows;
    const ConstVectorMap<S> linear(linear_, h1);
    for (Index b = 0; b < batch; ++b) out[b] += linear.dot(ConstVectorMap<S>(slopes[0] + b * h1, h1));
  }
}

template <class S> Index BilinearTrace<S>::pullback_size(Index batch) const {
  using P = Pieces<S>;
  const Index d = dim(), h1 = layers_.hidden > 0 ? layers_.weight[0].rows : 0;
  if (layers_.hidden == 2) {
    const Index h2 = m_.rows;
    return P::padded(h2 * batch) + P::padded(h1 * h2) + P::padded(h1) + P::padded(d * h2);
  }
  return P::padded(h1) + P::padded(d * h1);
}

template <class S> void BilinearTrace<S>::pullback(const S* const* slopes, const S* product, const S* trace_bar,
                                                   Index batch, S* scratch, const Cotangents& to) const {
  const bool wants_theta = to.weights[0] != nullptr;
  const ConstRowVectorMap<S> bar(trace_bar, batch);
  if (layers_.hidden == 0) {
    if (!wants_theta) return;
    const Index d = dim();
    const S sum = bar.sum();
    for (Index m = 0; m < d; ++m) {
      to.weights[0][m * (d + 1)] += sum * (layers_.gate ? layers_.gate[m] : S(1));
      to.gate[m] += sum * layers_.weight[0].columns[m * (d + 1)];
    }
    return;
  }
  Pieces<S> pieces(scratch);
  const Index h1 = layers_.weight[0].rows;
  MatrixMap<S> first_bar(to.slopes[0], h1, batch);
  if (layers_.hidden == 1) {
    first_bar.noalias() = ConstVectorMap<S>(linear_, h1) * bar;
    if (wants_theta) add_linear(slopes[0], trace_bar, batch, scratch, to);
    return;
  }
  const Index h2 = m_.rows;
  S* weighted = pieces.take(h2 * batch);  // p2 diag(trace_bar)
  MatrixMap<S>(to.slopes[1], h2, batch) = map(product, h2, batch) * bar.asDiagonal();
  MatrixMap<S>(weighted, h2, batch) = map(slopes[1], h2, batch) * bar.asDiagonal();
  multiply(m_transposed_, weighted, h2, batch, to.slopes[0], h1);
  if (linear_) first_bar.noalias() += ConstVectorMap<S>(linear_, h1).lazyProduct(bar);
  if (wants_theta) add_bilinear(slopes[0], weighted, trace_bar, batch, pieces.take(0), to);
}

// Maps the cotangent of M^T, which is p1 (p2 diag(trace_bar))^T, to those of the weights.
template <class S> void BilinearTrace<S>::add_bilinear(const S* first, const S* weighted, const S* trace_bar,
                                                       Index batch, S* scratch, const Cotangents& to) const {
  Pieces<S> pieces(scratch);
  const Index d = dim(), h1 = m_.depth, h2 = m_.rows;
  VectorMap<S> bar(pieces.take(h1 * h2), h1 * h2);  // the cotangent of M^T, then that of N: h1 x h2
  bar.setZero();
  add_outer(h1, h2, batch, first, h1, weighted, h2, bar.data(), h1);
  VectorMap<S>(to.weights[1], h1 * h2) += bar.cwiseProduct(ConstVectorMap<S>(n_, h1 * h2));
  bar.array() *= ConstVectorMap<S>(layers_.weight[1].rows_first, h1 * h2).array();
  if (linear_)
    MatrixMap<S>(bar.data(), h1, h2).diagonal() +=
        map(first, h1, batch).lazyProduct(ConstVectorMap<S>(trace_bar, batch));
  add_outer(d, h1, h2, gated_, d, bar.data(), h1, to.weights[0], d);
  S* last_bar = pieces.take(d * h2);
  multiply(transposed(layers_.weight[0]), bar.data(), h1, h2, last_bar, d);
  add_last(last_bar, to);
}

template <class S> void BilinearTrace<S>::add_linear(const S* first, const S* trace_bar, Index batch, S* scratch,
                                                     const Cotangents& to) const {
  Pieces<S> pieces(scratch);
  const Index d = dim(), h1 = layers_.weight[0].rows;
  VectorMap<S> bar(pieces.take(h1), h1);  // the cotangent of v
  bar = map(first, h1, batch).lazyProduct(ConstVectorMap<S>(trace_bar, batch));
  MatrixMap<S>(to.weights[0], d, h1) += map(gated_, d, h1) * bar.asDiagonal();
  S* last_bar = pieces.take(d * h1);
  MatrixMap<S>(last_bar, d, h1) = map(layers_.weight[0].rows_first, d, h1) * bar.asDiagonal();
  add_last(last_bar, to);
}

// last_bar: the cotangent of diag(g) W_last, d x in.
template <class S> void BilinearTrace<S>::add_last(const S* last_bar, const Cotangents& to) const {
  const auto& last = layers_.weight[layers_.hidden];
  const Index d = last.rows, in = last.depth;
  const auto bar = map(last_bar, d, in);
  VectorMap<S>(to.gate, d) += bar.cwiseProduct(map(last.columns, d, in)).rowwise().sum();
  MatrixMap<S> out(to.weights[layers_.hidden], in, d);
  if (layers_.gate)
    out += bar.transpose() * ConstVectorMap<S>(layers_.gate, d).asDiagonal();
  else
    out += bar.transpose();
}

template class BilinearTrace<float>;
template class BilinearTrace<double>;

}  // namespace pathline

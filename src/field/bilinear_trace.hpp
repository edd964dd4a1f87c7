// The trace of a network's Jacobian in closed form, for two hidden layers or fewer.
#pragma once

#include "field/product.hpp"

namespace pathline {

// With f = g o (W3 y2) + ..., y2 = s2(g2 o (W2 y1) + ...), y1 = s1(g1 o (W1 x) + ...) and the slopes p_l = g_l o s_l',
//
//     tr(df/dx) = tr(diag(g) W3 diag(p2) W2 diag(p1) W1) = p2^T M p1,   M = W2 o N^T,   N = W1 diag(g) W3
//
// (o: element by element). M has h2 x h1 elements whatever d is, and no sample in it: a batch costs one more product of
// the second layer's size. A residual connection over the second layer, f = g o (W3 (y2 + y1)), adds v^T p1 with
// v = diag N. One hidden layer has v^T p1 alone, and none a constant. The transpose is two outer products: one over the
// batch for the cotangent of M, and from there d h1 h2 multiply-adds for W1 and W3, whatever the batch.
template <class S> class BilinearTrace {
 public:
  // The layers from the input on; widths come from their shapes.
  struct Layers {
    int hidden;               // 0, 1 or 2
    LeftFactor<S> weight[3];  // hidden + 1 of them
    const S* gate;            // of the last layer, d; null for ones
    bool residual;            // over the second layer
  };
  static Index memory_size(const Layers& layers);
  // Forms M. memory: memory_size elements that live as long as the object, as what `layers` points to.
  BilinearTrace(const Layers& layers, S* memory);
  BilinearTrace() = default;

  Index product_rows() const { return layers_.hidden == 2 ? m_.rows : 0; }
  // slopes[l]: out_l x B, for each hidden layer. Writes trace (1 x B), and M p1 into product (product_rows() x B) for
  // the pullback.
  void forward(const S* const* slopes, Index batch, S* product, S* trace) const;

  // Where a pullback leaves its results.
  struct Cotangents {
    S* slopes[2];   // as the slopes, overwritten
    S* weights[3];  // in x out, theta's own order: added to; all null if not asked for
    S* gate;        // of the last layer, d: added to
  };
  // scratch: pullback_size(batch) elements.
  Index pullback_size(Index batch) const;
  void pullback(const S* const* slopes, const S* product, const S* trace_bar, Index batch, S* scratch,
                const Cotangents& to) const;

 private:
  Index dim() const { return layers_.weight[layers_.hidden].rows; }
  void add_bilinear(const S* first, const S* weighted, const S* trace_bar, Index batch, S* scratch,
                    const Cotangents& to) const;
  void add_linear(const S* first, const S* trace_bar, Index batch, S* scratch, const Cotangents& to) const;
  void add_last(const S* last_bar, const Cotangents& to) const;

  Layers layers_{};
  const S* gated_ = nullptr;  // diag(g) W_last, d x in
  const S* n_ = nullptr;      // N: h1 x h2
  LeftFactor<S> m_{}, m_transposed_{};
  const S* linear_ = nullptr;  // v: h1, or null
  S constant_ = 0;             // no hidden layer
};

extern template class BilinearTrace<float>;
extern template class BilinearTrace<double>;

}  // namespace pathline

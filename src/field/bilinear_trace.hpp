// The trace of a network's Jacobian in closed form, for two hidden layers or fewer.
#pragma once

#include "core/product.hpp"

namespace pathline {

// With f = g o (W3 y2) + ..., y2 = s2(g2 o (W2 y1) + ...), y1 = s1(g1 o (W1 x) + ...) and the slopes p_l = g_l o s_l',
//
//     tr(df/dx) = tr(diag(g) W3 diag(p2) W2 diag(p1) W1) = p2^T M p1,   M = W2 o N^T,   N = W1 diag(g) W3
//
// where o multiplies element by element. M has h2 x h1 elements for any d and does not depend on the sample: a batch
// costs one more product of the size of the second layer. A residual connection over the second layer, f = g o (W3 (y2
// + y1)), adds v^T p1 with v = diag N. With one hidden layer the trace is v^T p1, and without any it is a constant. The
// transpose has two outer products: one over the batch gives the cotangent of M, the other (d h1 h2) those of W1, W3.
template <class S> class BilinearTrace {
 public:
  // The layers in order, starting at the input. Their shapes give the widths.
  struct Layers {
    int hidden;               // 0, 1 or 2
    LeftFactor<S> weight[3];  // has hidden + 1 elements
    const S* gate;            // the gate of the last layer, d; null if it is 1
    bool residual;            // whether there is a residual connection over the second layer
  };
  static Index memory_size(const Layers& layers);
  // Computes M in memory, which has memory_size elements; memory and the arrays of `layers` must outlive the object.
  BilinearTrace(const Layers& layers, S* memory);
  BilinearTrace() = default;

  Index product_rows() const { return layers_.hidden == 2 ? m_.rows : 0; }
  // slopes[l]: out_l x B, for each hidden layer. Writes trace (1 x B), and M p1 into product (product_rows() x B) for
  // the pullback.
  void forward(const S* const* slopes, Index batch, S* product, S* trace) const;

  // The results of a pullback.
  struct Cotangents {
    S* slopes[2];   // shaped like the slopes; overwritten
    S* weights[3];  // in x out, the order of theta; added to; all null if they are not needed
    S* gate;        // the gate of the last layer, d; added to
  };
  // scratch has pullback_size(batch) elements.
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
  S constant_ = 0;             // the trace without a hidden layer
};

extern template class BilinearTrace<float>;
extern template class BilinearTrace<double>;

}  // namespace pathline

// A layer's gate, shift and activation in one sweep over [value | tangents], and the pullback of that sweep.
#pragma once

#include "pathline/core/types.hpp"
#include "pathline/field/activation.hpp"

namespace pathline {

// With q = W x the raw products: a = gate * q + shift, y = s(a), and for each tangent y_j = s'(a) * gate * q_j.
// Arrays are rows x batch, columns contiguous; tangent j of sample b is column j * batch + b.
template <class S> struct GatedActivation {
  Activation activation;
  S beta = 1;  // the parameter of swish
  Index rows, batch, tangents;
  const S* gate;        // rows
  const S* shift;       // rows
  const S* q;           // rows x batch
  const S* q_tangents;  // rows x tangents*batch, or rows x tangents if it is the same for all samples
  bool q_tangents_shared = false;

  // y: rows x batch; y_tangents: rows x tangents*batch.
  void forward(S* y, S* y_tangents) const;

  // Takes y of forward, y_bar and y_tangents_bar, and overwrites the latter two with the cotangents of q and of q_j,
  // multiplied by the gate. Adds sum_b a_bar to shift_bar, the cotangent of the gate through q to gate_bar (both have
  // `rows` elements), and that of beta to beta_bar.
  void pullback(const S* y, S* y_bar, S* y_tangents_bar, S* gate_bar, S* shift_bar, S* beta_bar) const;
};

extern template struct GatedActivation<float>;
extern template struct GatedActivation<double>;

}  // namespace pathline

// The elementwise part of the layers of the potential field: sigma(x) = log(e^x + e^-x) with its tangents, and the
// gradient on the way back.
#pragma once

#include "pathline/core/types.hpp"

namespace pathline {

// A layer u = h sigma(a). Arrays are rows x batch, columns contiguous; tangent j = 1, ..., tangents of sample b is
// column j * batch + b, and column b is the value.
template <class S> struct PotentialLayer {
  S h;
  Index rows, batch, tangents;
  const S* a;  // the preactivations

  // slope: rows x batch, sigma' = tanh(a); u: h log_cosh(a), and h sigma' a_j.
  void forward(S* slope, S* u) const;

  // q: the gradient by a from that by u: h sigma' g, and h (sigma'' a_j g + sigma' g_j), with sigma'' = 1 - sigma'^2.
  void gradient(const S* slope, const S* g, S* q) const;
};

extern template struct PotentialLayer<float>;
extern template struct PotentialLayer<double>;

}  // namespace pathline

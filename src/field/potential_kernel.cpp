#include "field/potential_kernel.hpp"

#define HWY_TARGET_INCLUDE "field/potential_kernel.cpp"
#include "core/packet.hpp"

HWY_BEFORE_NAMESPACE();
namespace pathline {
namespace HWY_NAMESPACE {
namespace {

using namespace simd;

// sigma(x) = log(e^x + e^-x), which is |x| + log(1 + e^{-2|x|})
template <class P> HWY_INLINE P log_cosh(const P& x) {
  const P magnitude = abs(x);
  return add(magnitude, log1p(exp(neg(add(magnitude, magnitude)))));
}

template <class S> struct Forward {
  const PotentialLayer<S>& layer;
  S *slope, *u;
  template <class Part> void operator()(const Part& part, Index at) const {
    using P = Packet<S>;
    const Index block = layer.rows * layer.batch;
    const P h = set<P>(layer.h), a = part.load(layer.a + at), t = simd::tanh(a);
    part.store(slope + at, t);
    part.store(u + at, mul(h, log_cosh(a)));
    for (Index j = 1; j <= layer.tangents; ++j)
      part.store(u + j * block + at, mul(mul(h, t), part.load(layer.a + j * block + at)));
  }
};

template <class S> struct Gradient {
  const PotentialLayer<S>& layer;
  const S *slope, *g;
  S* q;
  template <class Part> void operator()(const Part& part, Index at) const {
    using P = Packet<S>;
    const Index block = layer.rows * layer.batch;
    const P h = set<P>(layer.h), t = part.load(slope + at), value = part.load(g + at);
    const P curvature = sub(set<P>(1), mul(t, t));
    part.store(q + at, mul(mul(h, t), value));
    for (Index j = 1; j <= layer.tangents; ++j) {
      const P bent = mul(mul(curvature, part.load(layer.a + j * block + at)), value);
      part.store(q + j * block + at, mul(h, madd(t, part.load(g + j * block + at), bent)));
    }
  }
};

// Which rows fill a packet, and therefore how they are rounded, depends on the row only. In a loop over a whole matrix
// it would also depend on the other columns, as it does in a product of Eigen.
template <class S, class Body> void over_samples(const PotentialLayer<S>& layer, const Body& body) {
  for (Index b = 0; b < layer.batch; ++b) over_rows<S>(b * layer.rows, (b + 1) * layer.rows, body);
}

template <class S> void potential_forward(const PotentialLayer<S>& layer, S* slope, S* u) {
  over_samples(layer, Forward<S>{layer, slope, u});
}

template <class S> void potential_gradient(const PotentialLayer<S>& layer, const S* slope, const S* g, S* q) {
  over_samples(layer, Gradient<S>{layer, slope, g, q});
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace pathline
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pathline {

template <class S> void PotentialLayer<S>::forward(S* slope, S* u) const {
  PATHLINE_KERNEL(potential_forward<S>)(*this, slope, u);
}

template <class S> void PotentialLayer<S>::gradient(const S* slope, const S* g, S* q) const {
  PATHLINE_KERNEL(potential_gradient<S>)(*this, slope, g, q);
}

template struct PotentialLayer<float>;
template struct PotentialLayer<double>;

}  // namespace pathline
#endif  // HWY_ONCE

#include "field/activation_kernel.hpp"

#include <cmath>
#include <numbers>

#define HWY_TARGET_INCLUDE "field/activation_kernel.cpp"
#include "core/packet.hpp"

HWY_BEFORE_NAMESPACE();
namespace pathline {
namespace HWY_NAMESPACE {
namespace {

using namespace simd;

// Each activation computes value(a), and from a and y = value(a) the first two derivatives. Swish also computes the
// derivatives of s and s' with respect to beta.
template <class P> struct Derivatives { P first, second; };

template <class P> struct Tanh {
  P value(const P& a) const { return simd::tanh(a); }
  Derivatives<P> derivatives(const P&, const P& y) const {
    const P first = sub(set<P>(1), mul(y, y));
    return {first, mul(set<P>(-2), mul(y, first))};
  }
};

template <class P> struct Softplus {
  P value(const P& a) const { return softplus(a); }
  Derivatives<P> derivatives(const P& a, const P&) const {
    const P s = sigmoid(a);
    return {s, mul(s, sub(set<P>(1), s))};
  }
};

template <class P> struct Elu {
  P value(const P& a) const {
    const P clipped =
        where_less(a, set<P>(0), a, set<P>(0));  // so that exp does not overflow in the branch that is not taken
    return where_less(a, set<P>(0), sub(exp(clipped), set<P>(1)), a);
  }
  Derivatives<P> derivatives(const P& a, const P& y) const {
    const P e = add(y, set<P>(1));
    return {where_less(a, set<P>(0), e, set<P>(1)), where_less(a, set<P>(0), e, set<P>(0))};
  }
};

template <class P> struct Swish {
  P beta;
  P value(const P& a) const { return mul(a, sigmoid(mul(beta, a))); }
  // With u = beta a and sigma(u): s' = sigma + u sigma', s'' = beta (2 sigma' + u sigma'').
  struct Parts {
    P u, s, s1, s2;
  };
  Parts parts(const P& a) const {
    const P u = mul(beta, a), s = sigmoid(u), s1 = mul(s, sub(set<P>(1), s));
    return {u, s, s1, mul(s1, sub(set<P>(1), add(s, s)))};
  }
  Derivatives<P> derivatives(const P& a, const P&) const {
    const auto p = parts(a);
    return {madd(p.u, p.s1, p.s), mul(beta, madd(p.u, p.s2, add(p.s1, p.s1)))};
  }
  // ds/dbeta = a^2 sigma', ds'/dbeta = a (2 sigma' + u sigma'').
  Derivatives<P> beta_derivatives(const P& a) const {
    const auto p = parts(a);
    return {mul(mul(a, a), p.s1), mul(a, madd(p.u, p.s2, add(p.s1, p.s1)))};
  }
};

template <class P> struct Relu {
  P value(const P& a) const { return where_less(a, set<P>(0), set<P>(0), a); }
  Derivatives<P> derivatives(const P& a, const P&) const {
    return {where_less(set<P>(0), a, set<P>(1), set<P>(0)), set<P>(0)};
  }
};

template <class P> struct Square {
  P value(const P& a) const { return mul(a, a); }
  Derivatives<P> derivatives(const P& a, const P&) const { return {add(a, a), set<P>(2)}; }
};

template <class P> struct Identity {
  P value(const P& a) const { return a; }
  Derivatives<P> derivatives(const P&, const P&) const { return {set<P>(1), set<P>(0)}; }
};

template <class P> struct Sin {
  P value(const P& a) const {
    return each(a, [](Scalar<P> x) { return std::sin(x); });
  }
  Derivatives<P> derivatives(const P& a, const P& y) const {
    return {each(a, [](Scalar<P> x) { return std::cos(x); }), neg(y)};
  }
};

template <class P> struct Gelu {
  using T = Scalar<P>;
  static T cdf(T x) { return T(0.5) * std::erfc(-x * T(std::numbers::sqrt2 / 2)); }
  static T pdf(T x) { return T(0.5 * std::numbers::inv_sqrtpi * std::numbers::sqrt2) * std::exp(T(-0.5) * x * x); }
  P value(const P& a) const {
    return each(a, [](T x) { return x * cdf(x); });
  }
  Derivatives<P> derivatives(const P& a, const P&) const {
    return {each(a, [](T x) { return cdf(x) + x * pdf(x); }),
            each(a, [](T x) { return x * x < 2000 ? (2 - x * x) * pdf(x) : x - x; })};
  }
};

// Handles a part of the rows for all samples. K: the number of tangents if it is known at compile time, else -1.
template <int K, class F, class Part, class S>
void forward_rows(const GatedActivation<S>& g, const F& f, const Part& part, Index row, S* y, S* yt) {
  using P = Packet<S>;
  const Index k = K < 0 ? g.tangents : K, rows = g.rows, batch = g.batch;
  const Index step = g.q_tangents_shared ? 0 : rows, block = g.q_tangents_shared ? rows : rows * batch;
  const P gate = part.load(g.gate + row), shift = part.load(g.shift + row);
  const S* qt = g.q_tangents + row;
  for (Index b = 0; b < batch; ++b) {
    const Index at = b * rows + row;
    const P a = madd(gate, part.load(g.q + at), shift), value = f.value(a);
    part.store(y + at, value);
    if (k == 0) continue;
    const P slope = mul(gate, f.derivatives(a, value).first);
    for (Index j = 0; j < k; ++j)
      part.store(yt + j * rows * batch + at, mul(slope, part.load(qt + j * block + b * step)));
  }
}

template <int K, class F, class Part, class S> void pullback_rows(const GatedActivation<S>& g, const F& f,
                                                                  const Part& part, Index row, const S* y, S* y_bar,
                                                                  S* yt_bar, S* gate_bar, S* shift_bar, S* beta_bar) {
  using P = Packet<S>;
  const Index k = K < 0 ? g.tangents : K, rows = g.rows, batch = g.batch;
  const Index step = g.q_tangents_shared ? 0 : rows, block = g.q_tangents_shared ? rows : rows * batch;
  const P gate = part.load(g.gate + row), shift = part.load(g.shift + row);
  const S* qt = g.q_tangents + row;
  P gate_sum = set<P>(0), shift_sum = set<P>(0), beta_sum = set<P>(0);
  for (Index b = 0; b < batch; ++b) {
    const Index at = b * rows + row;
    const P q = part.load(g.q + at), a = madd(gate, q, shift), yb = part.load(y_bar + at);
    const auto d = f.derivatives(a, part.load(y + at));
    P curve = set<P>(0);  // sum_j y_bar_j gate q_j, the cotangent of s'(a)
    for (Index j = 0; j < k; ++j) {
      S* bar = yt_bar + j * rows * batch + at;
      const P qj = part.load(qt + j * block + b * step), ybj = part.load(bar), aj = mul(ybj, d.first);
      curve = madd(ybj, qj, curve);
      gate_sum = madd(aj, qj, gate_sum);
      part.store(bar, mul(gate, aj));
    }
    curve = mul(curve, gate);
    const P a_bar = madd(yb, d.first, mul(curve, d.second));
    gate_sum = madd(a_bar, q, gate_sum);
    shift_sum = add(shift_sum, a_bar);
    if constexpr (requires { f.beta_derivatives(a); }) {
      const auto db = f.beta_derivatives(a);
      beta_sum = add(beta_sum, madd(yb, db.first, mul(curve, db.second)));
    }
    part.store(y_bar + at, mul(gate, a_bar));
  }
  part.store(gate_bar + row, add(part.load(gate_bar + row), gate_sum));
  part.store(shift_bar + row, add(part.load(shift_bar + row), shift_sum));
  if constexpr (requires(P a) { f.beta_derivatives(a); }) *beta_bar += sum(beta_sum);
}

// The arguments of the functions above that are the same for all rows, as an object that handles a part of the rows.
template <class S> struct Forward {
  const GatedActivation<S>& g;
  S *y, *y_tangents;
  template <class F, class Part> void operator()(const F& f, const Part& part, Index row) const {
    if (g.tangents == 0) return forward_rows<0>(g, f, part, row, y, y_tangents);
    if (g.tangents == 2) return forward_rows<2>(g, f, part, row, y, y_tangents);
    forward_rows<-1>(g, f, part, row, y, y_tangents);
  }
};

template <class S> struct Pullback {
  const GatedActivation<S>& g;
  const S* y;
  S *y_bar, *y_tangents_bar, *gate_bar, *shift_bar, *beta_bar;
  template <class F, class Part> void operator()(const F& f, const Part& part, Index row) const {
    if (g.tangents == 0) return rows<0>(f, part, row);
    if (g.tangents == 2) return rows<2>(f, part, row);
    rows<-1>(f, part, row);
  }
  template <int K, class F, class Part> void rows(const F& f, const Part& part, Index row) const {
    pullback_rows<K>(g, f, part, row, y, y_bar, y_tangents_bar, gate_bar, shift_bar, beta_bar);
  }
};

template <template <class> class F, class P> F<P> make(Scalar<P> beta) {
  if constexpr (requires { F<P>::beta; })
    return {set<P>(beta)};
  else
    return {};
}

// Passes the activation function on to a body, beside what over_rows() gives it.
template <class F, class Body> struct WithActivation {
  const F& f;
  const Body& body;
  template <class Part> void operator()(const Part& part, Index row) const { body(f, part, row); }
};

template <template <class> class F, class S, class Body>
void with_activation(const GatedActivation<S>& g, const Body& body) {
  const auto f = make<F, Packet<S>>(g.beta);
  over_rows<S>(0, g.rows, WithActivation<F<Packet<S>>, Body>{f, body});
}

template <class S, class Body> void dispatch(const GatedActivation<S>& g, const Body& body) {
  switch (g.activation) {
    case Activation::tanh:
      return with_activation<Tanh>(g, body);
    case Activation::softplus:
      return with_activation<Softplus>(g, body);
    case Activation::elu:
      return with_activation<Elu>(g, body);
    case Activation::swish:
      return with_activation<Swish>(g, body);
    case Activation::relu:
      return with_activation<Relu>(g, body);
    case Activation::square:
      return with_activation<Square>(g, body);
    case Activation::identity:
      return with_activation<Identity>(g, body);
    case Activation::sin:
      return with_activation<Sin>(g, body);
    case Activation::gelu:
      return with_activation<Gelu>(g, body);
  }
}

template <class S> void activation_forward(const GatedActivation<S>& g, S* y, S* y_tangents) {
  dispatch(g, Forward<S>{g, y, y_tangents});
}

template <class S> void activation_pullback(const GatedActivation<S>& g, const S* y, S* y_bar, S* y_tangents_bar,
                                            S* gate_bar, S* shift_bar, S* beta_bar) {
  dispatch(g, Pullback<S>{g, y, y_bar, y_tangents_bar, gate_bar, shift_bar, beta_bar});
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace pathline
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pathline {

template <class S> void GatedActivation<S>::forward(S* y, S* y_tangents) const {
  PATHLINE_KERNEL(activation_forward<S>)(*this, y, y_tangents);
}

template <class S> void GatedActivation<S>::pullback(const S* y, S* y_bar, S* y_tangents_bar, S* gate_bar, S* shift_bar,
                                                     S* beta_bar) const {
  PATHLINE_KERNEL(activation_pullback<S>)(*this, y, y_bar, y_tangents_bar, gate_bar, shift_bar, beta_bar);
}

template struct GatedActivation<float>;
template struct GatedActivation<double>;

}  // namespace pathline
#endif  // HWY_ONCE

// The only adapter to the packets of Eigen, the widest registers of the CPU. Every kernel here is thus written once
// for float and double, AVX2 and AVX-512. P is a packet, or the scalar itself for the rows that do not fill a packet.
#pragma once

#include <Eigen/Core>

#include "pathline/core/types.hpp"

namespace pathline::simd {

namespace ei = Eigen::internal;

template <class S> using Packet = typename ei::packet_traits<S>::type;
template <class P> using Scalar = typename ei::unpacket_traits<P>::type;
template <class P> inline constexpr Index kLanes = ei::unpacket_traits<P>::size;

template <class P> P load(const Scalar<P>* from) { return ei::ploadu<P>(from); }
template <class P> void store(Scalar<P>* to, const P& x) { ei::pstoreu(to, x); }
template <class P> P set(Scalar<P> x) { return ei::pset1<P>(x); }
template <class P> P madd(const P& a, const P& b, const P& c) { return ei::pmadd(a, b, c); }
template <class P> P add(const P& a, const P& b) { return ei::padd(a, b); }
template <class P> P sub(const P& a, const P& b) { return ei::psub(a, b); }
template <class P> P mul(const P& a, const P& b) { return ei::pmul(a, b); }
template <class P> P div(const P& a, const P& b) { return ei::pdiv(a, b); }
template <class P> P neg(const P& a) { return ei::pnegate(a); }
template <class P> P abs(const P& a) { return ei::pabs(a); }
template <class P> Scalar<P> sum(const P& a) { return ei::predux(a); }

// Writes B = A^T for a square matrix with as many rows as a packet has lanes.
template <class S> void transpose_square(const S* a, Index lda, S* b, Index ldb) {
  using P = Packet<S>;
  constexpr int lanes = static_cast<int>(kLanes<P>);
  if constexpr (lanes == 1)
    *b = *a;
  else {
    ei::PacketBlock<P, lanes> block;
    for (int j = 0; j < lanes; ++j) block.packet[j] = ei::ploadu<P>(a + j * lda);
    ei::ptranspose(block);
    for (int j = 0; j < lanes; ++j) ei::pstoreu(b + j * ldb, block.packet[j]);
  }
}

// Returns `yes` where a < b, and otherwise `no`, also where a or b is NaN.
template <class P> P where_less(const P& a, const P& b, const P& yes, const P& no) {
  if constexpr (kLanes<P> == 1)
    return a < b ? yes : no;
  else
    return ei::pselect(ei::pcmp_lt(a, b), yes, no);
}

// exp, tanh, sigmoid and softplus are within 5 units in the last place in float and 3 in double, wherever the result is
// a normal number (packet_test.cpp measures it); NaN stays NaN. The exponential is Eigen's.
template <class P> P exp(const P& x) {
  if constexpr (kLanes<P> == 1)
    return std::exp(x);
  else
    return ei::pexp(x);
}

// In double, this is the rational function of Cephes below 0.625 and the exponential above it (Eigen 3.4 has no packet
// function for double); in float, it is the rational function of Eigen.
template <class P> P tanh(const P& x) {
  if constexpr (kLanes<P> == 1)
    return std::tanh(x);
  else if constexpr (std::is_same_v<Scalar<P>, float>)
    return ei::ptanh(x);
  else {
    const P magnitude = abs(x), square = mul(x, x), one = set<P>(1);
    P p = madd(set<P>(-9.64399179425052238628e-1), square, set<P>(-9.92877231001918586564e1));
    p = madd(p, square, set<P>(-1.61468768441708447952e3));
    P q = add(square, set<P>(1.12811678491632931402e2));
    q = madd(q, square, set<P>(2.23548839060100448583e3));
    q = madd(q, square, set<P>(4.84406305325125486048e3));
    const P small = madd(mul(x, square), div(p, q), x);
    const P large = sub(one, div(set<P>(2), add(exp(add(magnitude, magnitude)), one)));
    const P signed_large = where_less(x, set<P>(0), neg(large), large);
    return where_less(magnitude, set<P>(0.625), small, signed_large);
  }
}

// 1 / (1 + exp(-x)).
template <class P> P sigmoid(const P& x) { return div(set<P>(1), add(set<P>(1), exp(neg(x)))); }

// log(1 + exp(x)) = max(x, 0) + log1p(exp(-|x|)).
template <class P> P softplus(const P& x) {
  const P e = exp(neg(abs(x)));
  P log1p;
  if constexpr (kLanes<P> == 1)
    log1p = std::log1p(e);
  else
    log1p = ei::generic_plog1p(e);
  return add(where_less(x, set<P>(0), set<P>(0), x), log1p);
}

// Applies a function that has no packet form to each lane.
template <class P, class F> P each(const P& x, F f) {
  if constexpr (kLanes<P> == 1)
    return f(x);
  else {
    alignas(64) Scalar<P> lanes[kLanes<P>];
    ei::pstore(lanes, x);
    for (auto& lane : lanes) lane = f(lane);
    return ei::pload<P>(lanes);
  }
}

}  // namespace pathline::simd

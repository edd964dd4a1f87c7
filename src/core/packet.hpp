// The only adapter to packets, the vectors of Google Highway. Every kernel is written once for float and double and for
// each instruction set (core/packet_targets.hpp).
#include "core/packet_targets.hpp"  // first: it decides what Highway's headers define

#include <cmath>
#include <limits>
#include <type_traits>

#include <hwy/highway.h>

#include "pathline/core/types.hpp"

// Read once for each instruction set, as Highway's own headers are.
#if defined(PATHLINE_CORE_PACKET) == defined(HWY_TARGET_TOGGLE)
#ifdef PATHLINE_CORE_PACKET
#undef PATHLINE_CORE_PACKET
#else
#define PATHLINE_CORE_PACKET
#endif

HWY_BEFORE_NAMESPACE();
namespace pathline {
namespace HWY_NAMESPACE {
namespace simd {

namespace hn = hwy::HWY_NAMESPACE;

template <class S> using Tag = hn::ScalableTag<S>;
template <class S> using Packet = hn::Vec<Tag<S>>;

template <class P> using Scalar = hn::TFromV<P>;
template <class P> inline constexpr Index kLanes = static_cast<Index>(HWY_LANES(Scalar<P>));

// The registers for packets: the size of a block of accumulators depends on it.
inline constexpr int kRegisters = HWY_MAX_BYTES == 64 || HWY_ARCH_ARM_A64 ? 32 : 16;

template <class P> HWY_INLINE P load(const Scalar<P>* from) { return hn::LoadU(Tag<Scalar<P>>(), from); }

template <class P> HWY_INLINE void store(Scalar<P>* to, const P& x) { hn::StoreU(x, Tag<Scalar<P>>(), to); }

template <class P> HWY_INLINE P set(Scalar<P> x) { return hn::Set(Tag<Scalar<P>>(), x); }

// a b + c, rounded once where the instruction set can.
template <class P> HWY_INLINE P madd(const P& a, const P& b, const P& c) { return hn::MulAdd(a, b, c); }

template <class P> HWY_INLINE P add(const P& a, const P& b) { return a + b; }
template <class P> HWY_INLINE P sub(const P& a, const P& b) { return a - b; }
template <class P> HWY_INLINE P mul(const P& a, const P& b) { return a * b; }
template <class P> HWY_INLINE P div(const P& a, const P& b) { return a / b; }

template <class P> HWY_INLINE P neg(const P& a) { return hn::Neg(a); }

template <class P> HWY_INLINE P abs(const P& a) { return hn::Abs(a); }

template <class P> HWY_INLINE Scalar<P> sum(const P& a) { return hn::GetLane(hn::SumOfLanes(Tag<Scalar<P>>(), a)); }

// The rows that a kernel handles at once, as its way to load and store them: a packet of them, ...
template <class S> struct WholePacket {
  HWY_INLINE Packet<S> load(const S* from) const { return simd::load<Packet<S>>(from); }
  HWY_INLINE void store(S* to, const Packet<S>& x) const { simd::store(to, x); }
};

// ... or the fewer that remain at the end. The other lanes load 0 and are not stored.
template <class S> class PartOfPacket {
 public:
  HWY_INLINE explicit PartOfPacket(Index rows) : rows_(rows) {}

  HWY_INLINE Packet<S> load(const S* from) const {
    if constexpr (kMasks) return hn::MaskedLoad(mask(), Tag<S>(), from);
    S lanes[kLanes<Packet<S>>] = {};
    for (Index i = 0; i < rows_; ++i) lanes[i] = from[i];
    return simd::load<Packet<S>>(lanes);
  }
  HWY_INLINE void store(S* to, const Packet<S>& x) const {
    if constexpr (kMasks) return hn::BlendedStore(x, mask(), Tag<S>(), to);
    S lanes[kLanes<Packet<S>>];
    simd::store(lanes, x);
    for (Index i = 0; i < rows_; ++i) to[i] = lanes[i];
  }

 private:
  // Before AVX2, and on ARM, a masked load reads the whole packet.
  static constexpr bool kMasks = HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2;
  HWY_INLINE auto mask() const { return hn::FirstN(Tag<S>(), static_cast<std::size_t>(rows_)); }

  Index rows_;
};

// Calls body(part, row) for every whole packet of the rows begin, begin + 1, ..., end - 1, and then for the rest. body
// is an object whose operator is a template, because a lambda may not take packets.
template <class S, class Body> HWY_INLINE void over_rows(Index begin, Index end, const Body& body) {
  constexpr Index lanes = kLanes<Packet<S>>;
  Index row = begin;
  for (; row + lanes <= end; row += lanes) body(WholePacket<S>(), row);
  if (row < end) body(PartOfPacket<S>(end - row), row);
}

// Returns `yes` where a < b, and otherwise `no`, also where a or b is NaN.
template <class P> HWY_INLINE P where_less(const P& a, const P& b, const P& yes, const P& no) {
  return hn::IfThenElse(hn::Lt(a, b), yes, no);
}

template <class P> HWY_INLINE P where_equal(const P& a, const P& b, const P& yes, const P& no) {
  return hn::IfThenElse(hn::Eq(a, b), yes, no);
}

// Whether a < b in any lane.
template <class P> HWY_INLINE bool any_less(const P& a, const P& b) {
  return !hn::AllFalse(Tag<Scalar<P>>(), hn::Lt(a, b));
}

// Within [low, high]; NaN stays NaN.
template <class P> HWY_INLINE P clamp(const P& x, const P& low, const P& high) {
  return where_less(high, x, high, where_less(x, low, low, x));
}

// The rows of a square that transpose_square writes: AVX-512 takes two halves.
template <class S> inline constexpr Index kSquare = HWY_MIN(HWY_LANES(S), 32 / sizeof(S));

// Writes B = A^T for a square matrix with kSquare rows.
template <class S> HWY_INLINE void transpose_square(const S* a, Index lda, S* b, Index ldb) {
  constexpr int size = static_cast<int>(kSquare<S>);
  if constexpr (size == 1)
    *b = *a;
  else {
    const hn::CappedTag<S, kSquare<S>> d;
    const hn::Repartition<double, decltype(d)> pairs;
    using V = hn::Vec<decltype(d)>;
    constexpr int block = 16 / sizeof(S);  // what Highway interleaves: lanes of 128 bits
    V rows[size], columns[size];
    for (int j = 0; j < size; ++j) rows[j] = hn::LoadU(d, a + j * lda);
    // In each block of `block` lanes of columns[g * block + j] stands the j-th lane of the rows g * block, ...
    for (int g = 0; g < size; g += block)
      if constexpr (block == 2) {
        columns[g] = hn::InterleaveLower(d, rows[g], rows[g + 1]);
        columns[g + 1] = hn::InterleaveUpper(d, rows[g], rows[g + 1]);
      } else {
        const auto low = hn::BitCast(pairs, hn::InterleaveLower(d, rows[g], rows[g + 1]));
        const auto high = hn::BitCast(pairs, hn::InterleaveUpper(d, rows[g], rows[g + 1]));
        const auto next_low = hn::BitCast(pairs, hn::InterleaveLower(d, rows[g + 2], rows[g + 3]));
        const auto next_high = hn::BitCast(pairs, hn::InterleaveUpper(d, rows[g + 2], rows[g + 3]));
        columns[g] = hn::BitCast(d, hn::InterleaveLower(pairs, low, next_low));
        columns[g + 1] = hn::BitCast(d, hn::InterleaveUpper(pairs, low, next_low));
        columns[g + 2] = hn::BitCast(d, hn::InterleaveLower(pairs, high, next_high));
        columns[g + 3] = hn::BitCast(d, hn::InterleaveUpper(pairs, high, next_high));
      }
    for (int j = 0; j < block; ++j)
      if constexpr (size == block)
        hn::StoreU(columns[j], d, b + j * ldb);
      else {
        hn::StoreU(hn::ConcatLowerLower(d, columns[block + j], columns[j]), d, b + j * ldb);
        hn::StoreU(hn::ConcatUpperUpper(d, columns[block + j], columns[j]), d, b + (block + j) * ldb);
      }
  }
}

// The numbers of an IEEE format that exp and log take apart.
template <class S> struct Format {
  using Bits = std::conditional_t<std::is_same_v<S, float>, std::uint32_t, std::uint64_t>;
  static constexpr int mantissa = std::numeric_limits<S>::digits - 1;
  static constexpr S bias = std::numeric_limits<S>::max_exponent - 1;
  static constexpr S integers = S(Bits(1) << mantissa);  // from here on all numbers are integers
};

// 2^k for a whole number k of the range: its exponent's bits are k + bias, the last bits of 2^mantissa + k + bias.
template <class P> HWY_INLINE P power_of_two(const P& k) {
  using S = Scalar<P>;
  using F = Format<S>;
  const hn::RebindToUnsigned<Tag<S>> bits;
  return hn::BitCast(Tag<S>(), hn::ShiftLeft<F::mantissa>(hn::BitCast(bits, add(k, set<P>(F::integers + F::bias)))));
}

// x 2^m for a whole number m up to twice the range, in two factors.
template <class P> HWY_INLINE P scale_by_power(const P& x, const P& m) {
  const P half = hn::Floor(mul(m, set<P>(Scalar<P>(0.5))));
  return mul(mul(x, power_of_two(half)), power_of_two(sub(m, half)));
}

// exp, log, tanh, sigmoid and softplus are within 5 units in the last place in float and 3 in double, wherever the
// result is a normal number (packet_test.cpp measures it); NaN stays NaN. exp and log are those of Cephes
// (netlib.org/cephes), in the form that Eigen 3.4 has for packets: 2^m exp(r) with a polynomial in float and a rational
// function in double.
template <class P> HWY_INLINE P exp(const P& x) {
  using S = Scalar<P>;
  if constexpr (std::is_same_v<S, float>) {
    const P limit = set<P>(88.723f), clamped = clamp(x, neg(limit), limit);
    const P m = hn::Floor(madd(clamped, set<P>(1.44269504088896341f), set<P>(0.5f)));
    const P r = madd(m, set<P>(2.12194440e-4f), madd(m, set<P>(-0.693359375f), clamped));
    const P r2 = mul(r, r), r3 = mul(r2, r);
    P y = madd(madd(set<P>(1.9875691500e-4f), r, set<P>(1.3981999507e-3f)), r, set<P>(8.3334519073e-3f));
    const P y1 = madd(madd(set<P>(4.1665795894e-2f), r, set<P>(1.6666665459e-1f)), r, set<P>(5.0000001201e-1f));
    y = madd(madd(y, r3, y1), r2, add(r, set<P>(1)));
    const P result = scale_by_power(y, m);
    return where_less(result, x, x, result);  // infinity
  } else {
    const P limit = set<P>(709.784), clamped = clamp(x, neg(limit), limit);
    const P m = hn::Floor(madd(set<P>(1.4426950408889634073599), clamped, set<P>(0.5)));
    const P r = sub(sub(clamped, mul(m, set<P>(0.693145751953125))), mul(m, set<P>(1.42860682030941723212e-6)));
    const P r2 = mul(r, r);
    P p = madd(set<P>(1.26177193074810590878e-4), r2, set<P>(3.02994407707441961300e-2));
    p = mul(madd(p, r2, set<P>(9.99999999999999999910e-1)), r);
    P q = madd(set<P>(3.00198505138664455042e-6), r2, set<P>(2.52448340349684104192e-3));
    q = madd(madd(q, r2, set<P>(2.27265548208155028766e-1)), r2, set<P>(2.00000000000000000009e0));
    const P result = scale_by_power(madd(set<P>(2), div(p, sub(q, p)), set<P>(1)), m);
    return where_less(result, x, x, result);
  }
}

// log(m) of a mantissa, less 1, in [sqrt(1/2) - 1, sqrt(2) - 1]: x - x^2/2 + x^3 times a function.
template <class P> HWY_INLINE P log_of_mantissa(const P& x) {
  const P x2 = mul(x, x), x3 = mul(x2, x);
  if constexpr (std::is_same_v<Scalar<P>, float>) {
    P y = madd(madd(set<P>(7.0376836292e-2f), x, set<P>(-1.1514610310e-1f)), x, set<P>(1.1676998740e-1f));
    const P y1 = madd(madd(set<P>(-1.2420140846e-1f), x, set<P>(1.4249322787e-1f)), x, set<P>(-1.6668057665e-1f));
    const P y2 = madd(madd(set<P>(2.0000714765e-1f), x, set<P>(-2.4999993993e-1f)), x, set<P>(3.3333331174e-1f));
    y = mul(madd(madd(y, x3, y1), x3, y2), x3);
    return add(x, madd(set<P>(-0.5f), x2, y));
  } else {
    P p = madd(madd(set<P>(1.01875663804580931796e-4), x, set<P>(4.97494994976747001425e-1)), x,
               set<P>(4.70579119878881725854e0));
    const P p1 = madd(madd(set<P>(1.44989225341610930846e1), x, set<P>(1.79368678507819816313e1)), x,
                      set<P>(7.70838733755885391666e0));
    p = mul(madd(p, x3, p1), x3);
    const P q = madd(add(x, set<P>(1.12873587189167450590e1)), x, set<P>(4.52279145837532221105e1));
    const P q1 = madd(madd(set<P>(8.29875266912776603211e1), x, set<P>(7.11544750618563894466e1)), x,
                      set<P>(2.31251620126765340583e1));
    return add(x, madd(set<P>(-0.5), x2, div(p, madd(q, x3, q1))));
  }
}

// A denormal number is taken for the least normal one, as in Eigen; 0 gives -infinity and a negative number NaN.
template <class P> HWY_INLINE P log(const P& x) {
  using S = Scalar<P>;
  using F = Format<S>;
  using Bits = typename F::Bits;
  const hn::RebindToUnsigned<Tag<S>> d;
  const Tag<S> floating;
  constexpr S infinity = std::numeric_limits<S>::infinity();
  const P one = set<P>(1), least = set<P>(std::numeric_limits<S>::min());
  const auto bits = hn::BitCast(d, where_less(x, least, least, x));
  // x = m 2^e with m in [1/2, 1): the biased exponent as the last bits of a number is read off as that number.
  const auto whole = hn::BitCast(d, set<P>(F::integers));
  P e = hn::BitCast(floating, hn::Or(hn::ShiftRight<F::mantissa>(bits), whole));
  e = sub(e, set<P>(F::integers + F::bias - 1));
  const auto fraction = hn::And(bits, hn::Set(d, (Bits(1) << F::mantissa) - 1));
  P m = hn::BitCast(floating, hn::Or(fraction, hn::BitCast(d, set<P>(S(0.5)))));
  const auto low = hn::Lt(m, set<P>(S(0.70710678118654752440)));
  m = add(sub(m, one), hn::IfThenElseZero(low, m));
  e = sub(e, hn::IfThenElseZero(low, one));
  P result = madd(e, set<P>(S(0.693147180559945309417)), log_of_mantissa(m));
  result = where_less(x, set<P>(infinity), result, x);  // infinity and NaN
  result = where_less(x, set<P>(0), set<P>(std::numeric_limits<S>::quiet_NaN()), result);
  return where_equal(x, set<P>(0), set<P>(-infinity), result);
}

// log(1 + x) by Kahan's formula.
template <class P> HWY_INLINE P log1p(const P& x) {
  const P one = set<P>(1), u = add(x, one), log_u = log(u);
  const P result = mul(x, div(log_u, sub(u, one)));
  return where_equal(u, one, x, where_equal(u, log_u, x, result));
}

// tanh below 0.625 by Cephes: in double a rational function, in float a polynomial.
template <class P> HWY_INLINE P small_tanh(const P& x) {
  const P square = mul(x, x);
  if constexpr (std::is_same_v<Scalar<P>, float>) {
    P p = madd(set<P>(-5.70498872745e-3f), square, set<P>(2.06390887954e-2f));
    p = madd(p, square, set<P>(-5.37397155531e-2f));
    p = madd(p, square, set<P>(1.33314422036e-1f));
    p = madd(p, square, set<P>(-3.33332819422e-1f));
    return madd(mul(p, square), x, x);
  } else {
    P p = madd(set<P>(-9.64399179425052238628e-1), square, set<P>(-9.92877231001918586564e1));
    p = madd(p, square, set<P>(-1.61468768441708447952e3));
    P q = add(square, set<P>(1.12811678491631932402e2));
    q = madd(q, square, set<P>(2.23548839060100448583e3));
    q = madd(q, square, set<P>(4.84406305325125486048e3));
    return madd(mul(x, square), div(p, q), x);
  }
}

// The exponential from 0.625 on. In float there is a faster way with fused multiply-adds, without which its error is
// too large: the rational function of Eigen 3.4, up to the point where it is 1.
template <class P> HWY_INLINE P tanh(const P& x) {
  if constexpr (std::is_same_v<Scalar<P>, float> && HWY_NATIVE_FMA) {
    const P limit = set<P>(7.99881172180175781f), a = clamp(x, neg(limit), limit), square = mul(a, a);
    P p = madd(square, set<P>(-2.76076847742355e-16f), set<P>(2.00018790482477e-13f));
    p = madd(square, p, set<P>(-8.60467152213735e-11f));
    p = madd(square, p, set<P>(5.12229709037114e-08f));
    p = madd(square, p, set<P>(1.48572235717979e-05f));
    p = madd(square, p, set<P>(6.37261928875436e-04f));
    p = mul(a, madd(square, p, set<P>(4.89352455891786e-03f)));
    P q = madd(square, set<P>(1.19825839466702e-06f), set<P>(1.18534705686654e-04f));
    q = madd(square, q, set<P>(2.26843463243900e-03f));
    q = madd(square, q, set<P>(4.89352518554385e-03f));
    return where_less(abs(x), set<P>(0.0004f), a, div(p, q));
  } else {
    const P magnitude = abs(x), one = set<P>(1);
    const P large = sub(one, div(set<P>(2), add(exp(add(magnitude, magnitude)), one)));
    const P signed_large = where_less(x, set<P>(0), neg(large), large);
    return where_less(magnitude, set<P>(0.625), small_tanh(x), signed_large);
  }
}

// 1 / (1 + exp(-x)).
template <class P> HWY_INLINE P sigmoid(const P& x) { return div(set<P>(1), add(set<P>(1), exp(neg(x)))); }

// log(1 + exp(x)) = max(x, 0) + log1p(exp(-|x|)).
template <class P> HWY_INLINE P softplus(const P& x) {
  return add(where_less(x, set<P>(0), set<P>(0), x), log1p(exp(neg(abs(x)))));
}

// Applies a function that has no packet form to each lane.
template <class P, class F> HWY_INLINE P each(const P& x, F f) {
  Scalar<P> lanes[kLanes<P>];
  store(lanes, x);
  for (auto& lane : lanes) lane = f(lane);
  return load<P>(lanes);
}

}  // namespace simd
}  // namespace HWY_NAMESPACE
}  // namespace pathline
HWY_AFTER_NAMESPACE();

#endif  // PATHLINE_CORE_PACKET

#include "fit/whitened_distance.hpp"

#define HWY_TARGET_INCLUDE "fit/whitened_distance.cpp"
#include "core/packet.hpp"

HWY_BEFORE_NAMESPACE();
namespace pathline {
namespace HWY_NAMESPACE {
namespace {

using P = simd::Packet<double>;
constexpr Index kWidth = simd::kLanes<P>;

void distance(Index n, Index d, const double* x, const double* packed, const double* offset, double factor,
              double* out) {
  constexpr Index kPackets = 4;  // at a time: the sums and the squares of their rows stay in registers
  static_assert(kLanes % (kPackets * kWidth) == 0);
  for (Index b = 0; b < n; b += kPackets * kWidth) {
    P squares[kPackets];
    for (auto& square : squares) square = simd::set<P>(0);
    const double* entry = packed;
    for (Index i = 0; i < d; ++i) {
      P sums[kPackets];
      for (auto& sum : sums) sum = simd::set<P>(-offset[i]);
      for (Index j = 0; j <= i; ++j) {
        const P scale = simd::set<P>(*entry++);
        for (Index p = 0; p < kPackets; ++p)
          sums[p] = simd::madd(scale, simd::load<P>(x + j * n + b + p * kWidth), sums[p]);
      }
      for (Index p = 0; p < kPackets; ++p) squares[p] = simd::madd(sums[p], sums[p], squares[p]);
    }
    for (Index p = 0; p < kPackets; ++p)
      simd::store(out + b + p * kWidth, simd::madd(simd::set<P>(-0.5), squares[p], simd::set<P>(factor)));
  }
}

void exp_of_lanes(const double* x, double* out) {
  const P negligible = simd::set<P>(-40), zero = simd::set<P>(0);
  for (Index b = 0; b < kLanes; b += kWidth) {
    const P at = simd::load<P>(x + b);
    P value = zero;
    if (simd::any_less(negligible, at)) value = simd::where_less(negligible, at, simd::exp(at), zero);
    simd::store(out + b, value);
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace pathline
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pathline {

void whitened_distance(const Matrix<double>& x, const double* packed, const double* offset, double factor,
                       double* out) {
  PATHLINE_KERNEL(distance)(x.rows(), x.cols(), x.data(), packed, offset, factor, out);
}

Lanes exp_or_zero(const Lanes& x) {
  Lanes out;
  PATHLINE_KERNEL(exp_of_lanes)(x.data(), out.data());
  return out;
}

}  // namespace pathline
#endif  // HWY_ONCE

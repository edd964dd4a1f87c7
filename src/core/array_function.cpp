#include "core/array_function.hpp"

#include <algorithm>

#define HWY_TARGET_INCLUDE "core/array_function.cpp"
#include "core/packet.hpp"

HWY_BEFORE_NAMESPACE();
namespace pathline {
namespace HWY_NAMESPACE {
namespace {

using namespace simd;

struct Exp {
  template <class P> HWY_INLINE P operator()(const P& x) const { return simd::exp(x); }
};

struct Log {
  template <class P> HWY_INLINE P operator()(const P& x) const { return simd::log(x); }
};

template <class S> struct ShiftedSoftplus {
  S least, shift;
  template <class P> HWY_INLINE P operator()(const P& x) const {
    return add(set<P>(least), softplus(add(x, set<P>(shift))));
  }
};

template <class S, class F> void over_array(Index n, S* x, const F& f) {
  using P = Packet<S>;
  Index i = 0;
  for (; i + kLanes<P> <= n; i += kLanes<P>) store(x + i, f(load<P>(x + i)));
  if (i == n) return;
  S last[kLanes<P>] = {};
  std::copy(x + i, x + n, last);
  store(last, f(load<P>(last)));
  std::copy_n(last, n - i, x + i);
}

template <class S> void exp_array(Index n, S* x) { over_array(n, x, Exp{}); }
template <class S> void log_array(Index n, S* x) { over_array(n, x, Log{}); }
template <class S> void softplus_array(Index n, S* x, S least, S shift) {
  over_array(n, x, ShiftedSoftplus<S>{least, shift});
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace pathline
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pathline {

template <class S> void exp_in_place(Index n, S* x) { PATHLINE_KERNEL(exp_array<S>)(n, x); }
template <class S> void log_in_place(Index n, S* x) { PATHLINE_KERNEL(log_array<S>)(n, x); }
template <class S> void softplus_in_place(Index n, S* x, S least, S shift) {
  PATHLINE_KERNEL(softplus_array<S>)(n, x, least, shift);
}

#define PATHLINE_INSTANTIATE(S)             \
  template void exp_in_place<S>(Index, S*); \
  template void log_in_place<S>(Index, S*); \
  template void softplus_in_place<S>(Index, S*, S, S);
PATHLINE_INSTANTIATE(float)
PATHLINE_INSTANTIATE(double)
#undef PATHLINE_INSTANTIATE

}  // namespace pathline
#endif  // HWY_ONCE

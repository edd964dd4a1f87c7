#include "core/array_function.hpp"

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

// Applies f to a part of an array in place.
template <class S, class F> struct InPlace {
  S* x;
  const F& f;
  template <class Part> HWY_INLINE void operator()(const Part& part, Index i) const {
    part.store(x + i, f(part.load(x + i)));
  }
};

template <class S, class F> void over_array(Index n, S* x, const F& f) { over_rows<S>(0, n, InPlace<S, F>{x, f}); }

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

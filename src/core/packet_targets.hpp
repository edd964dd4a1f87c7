// Compiles a file with kernels once for each instruction set, and calls the kernels of this CPU's. Such a file begins
//
//     #define HWY_TARGET_INCLUDE "core/product.cpp"  // the file itself
//     #include "core/packet.hpp"
//
// It has its kernels between HWY_BEFORE_NAMESPACE() and HWY_AFTER_NAMESPACE(), in the namespace
// pathline::HWY_NAMESPACE, and what other files call between #if HWY_ONCE and #endif, where
// PATHLINE_KERNEL(name)(arguments) calls a kernel. Highway's headers do the work; its library is not linked, so that an
// embedding program need not have it.
#pragma once

#include <type_traits>

#include "core/instruction_set.hpp"

// SSSE3 is no help without SSE4, AVX3_DL only adds to integers, and the vectors of SVE have no size at compile time.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
// What no kernel uses and some CPU of the instruction set does not have.
#define HWY_DISABLE_PCLMUL_AES
#define HWY_DISABLE_F16C
#define HWY_IS_DEBUG_BUILD 0  // its assertions need Highway's library

#include <hwy/foreach_target.h>

namespace pathline {

// The one of a kernel's functions that this CPU is to run. One that was not compiled is null; the baseline always is.
template <class F> F choose_kernel(F baseline, std::type_identity_t<F> sse4, std::type_identity_t<F> avx2,
                                   std::type_identity_t<F> avx512) {
  const auto widest = instruction_set();
  if (avx512 && widest >= InstructionSet::avx512) return avx512;
  if (avx2 && widest >= InstructionSet::avx2) return avx2;
  if (sse4 && widest >= InstructionSet::sse4) return sse4;
  return baseline;
}

}  // namespace pathline

#define PATHLINE_KERNEL(name)                                                                         \
  ::pathline::choose_kernel(&HWY_STATIC_DISPATCH(name), HWY_CHOOSE_SSE4(name), HWY_CHOOSE_AVX2(name), \
                            HWY_CHOOSE_AVX3(name))

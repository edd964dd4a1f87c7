#include "core/instruction_set.hpp"

#include <algorithm>
#include <atomic>

namespace pathline {
namespace {

constexpr InstructionSet kCompiled =
#if defined(__AVX512F__) && defined(__AVX512VL__) && defined(__AVX512DQ__) && defined(__AVX512BW__)
    InstructionSet::avx512;
#elif defined(__AVX2__) && defined(__FMA__) && defined(__BMI2__)
    InstructionSet::avx2;
#elif defined(__SSE4_2__)
    InstructionSet::sse4;
#else
    InstructionSet::baseline;
#endif

// The instruction set of this CPU, by the features that Highway's targets of these names require.
InstructionSet of_this_cpu() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("sse4.2")) return InstructionSet::baseline;
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
                    __builtin_cpu_supports("bmi2");
  if (!avx2) return InstructionSet::sse4;
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
  return avx512 ? InstructionSet::avx512 : InstructionSet::avx2;
#else
  return InstructionSet::baseline;
#endif
}

InstructionSet at_most(InstructionSet widest) { return std::max(kCompiled, std::min(of_this_cpu(), widest)); }

constexpr int kUnknown = -1;  // not determined yet
std::atomic<int> chosen{kUnknown};

}  // namespace

InstructionSet instruction_set() {
  int set = chosen.load(std::memory_order_relaxed);
  if (set == kUnknown) chosen = set = static_cast<int>(at_most(InstructionSet::avx512));
  return static_cast<InstructionSet>(set);
}

void limit_instruction_set(InstructionSet widest) { chosen = static_cast<int>(at_most(widest)); }

std::string_view to_string(InstructionSet set) {
  switch (set) {
    case InstructionSet::avx512:
      return "AVX-512";
    case InstructionSet::avx2:
      return "AVX2";
    case InstructionSet::sse4:
      return "SSE4";
    case InstructionSet::baseline:
      break;
  }
#if defined(__ARM_NEON)
  return "NEON";
#elif defined(__SSE2__)
  return "SSE2";
#else
  return "scalar";
#endif
}

}  // namespace pathline

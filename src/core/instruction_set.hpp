// The instruction set of the kernels, chosen when the program runs: the widest vectors that this CPU has.
#pragma once

#include <string_view>

namespace pathline {

// From narrow to wide. `baseline` is what the compiler may use everywhere, where that is none of the others: NEON on
// ARM.
enum class InstructionSet { baseline, sse4, avx2, avx512 };

// The widest set of this CPU, but not beyond the limit and not below what the library was compiled for. Results of the
// kernels are the same, bit for bit, on all machines that compute with the same set.
InstructionSet instruction_set();

// Limits the kernels of this process from now on. Not while kernels run.
void limit_instruction_set(InstructionSet widest);

std::string_view to_string(InstructionSet set);  // "SSE4", "AVX2", "AVX-512"; the baseline is "NEON" or "scalar"

}  // namespace pathline

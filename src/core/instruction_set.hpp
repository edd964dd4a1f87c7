// The instruction set of the kernels, chosen when the program runs: the widest vectors that this CPU has.
#pragma once

#include <string_view>

namespace pathline {

// From narrow to wide. `baseline` is what the compiler may use everywhere, where that is none of the others: NEON on
// ARM.
enum class InstructionSet { baseline, sse4, avx2, avx512 };

// The widest set of this CPU, but not beyond the limit and not below what the library was compiled for. Packets give the
// same bits on all machines that compute with the same set; the rows that fill no packet use the C library, which may
// choose by the CPU as well.
InstructionSet instruction_set();

// Limits the kernels of this process from now on. Not while kernels run.
void limit_instruction_set(InstructionSet widest);

std::string_view to_string(InstructionSet set);  // "SSE4", "AVX2", "AVX-512"; the baseline is "NEON", "SSE2" or "scalar"

}  // namespace pathline

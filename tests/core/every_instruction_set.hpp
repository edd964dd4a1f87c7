// What a test of a kernel has to hold with each instruction set that the library was compiled for and this CPU has.
#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/instruction_set.hpp"

namespace pathline {

// Until its end, kernels use at most this set.
class InstructionSetLimit {
 public:
  explicit InstructionSetLimit(InstructionSet widest) { limit_instruction_set(widest); }
  ~InstructionSetLimit() { limit_instruction_set(InstructionSet::avx512); }
  InstructionSetLimit(const InstructionSetLimit&) = delete;
  InstructionSetLimit& operator=(const InstructionSetLimit&) = delete;
};

// From narrow to wide; the first may be one that no CPU lacks.
inline std::vector<InstructionSet> instruction_sets() {
  std::vector<InstructionSet> sets;
  for (auto set : {InstructionSet::baseline, InstructionSet::sse4, InstructionSet::avx2, InstructionSet::avx512}) {
    const InstructionSetLimit limit(set);
    if (sets.empty() || sets.back() != instruction_set()) sets.push_back(instruction_set());
  }
  return sets;
}

template <class Check> void with_every_instruction_set(Check check) {
  for (auto set : instruction_sets()) {
    const InstructionSetLimit limit(set);
    SCOPED_TRACE(std::string(to_string(set)));
    check();
  }
}

}  // namespace pathline

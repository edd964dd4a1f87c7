// Fowler, Noll & Vo's hash of 64 bits (FNV-1a): to tell files apart, not to guard them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "pathline/core/types.hpp"

namespace pathline {

class Hash {
 public:
  void add(const void* bytes, std::size_t size) {
    const auto* p = static_cast<const unsigned char*>(bytes);
    for (std::size_t i = 0; i < size; ++i) state_ = (state_ ^ p[i]) * 1099511628211ull;
  }
  void add(ConstMatrixMap<double> values) {
    add(values.data(), static_cast<std::size_t>(values.size()) * sizeof(double));
  }
  std::uint64_t value() const { return state_; }

 private:
  std::uint64_t state_ = 14695981039346656037ull;
};

}  // namespace pathline

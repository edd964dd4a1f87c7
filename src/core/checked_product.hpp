// Sizes that a file states are multiplied here and nowhere else: a product that wraps reads out of bounds.
#pragma once

#include <optional>
#include <ranges>

#include "pathline/core/types.hpp"

namespace pathline {

// The product of sizes; nothing if one is negative or if it does not fit an Index.
template <std::ranges::range Sizes> std::optional<Index> checked_product(const Sizes& sizes) {
  Index product = 1;
  bool empty = false, overflow = false;
  for (const Index size : sizes) {
    if (size < 0) return std::nullopt;
    empty = empty || size == 0;
    overflow = __builtin_mul_overflow(product, size, &product) || overflow;
  }
  if (empty) return 0;
  return overflow ? std::nullopt : std::optional(product);
}

inline std::optional<Index> checked_product(std::initializer_list<Index> sizes) {
  return checked_product<std::initializer_list<Index>>(sizes);
}

}  // namespace pathline

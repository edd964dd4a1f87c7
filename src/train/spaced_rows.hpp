// Some of many rows.
#pragma once

#include <vector>

#include "pathline/core/types.hpp"

namespace pathline {

// At most `most` of the numbers 0 ... n - 1, evenly spaced; all of them if most is 0.
inline std::vector<Index> spaced_rows(Index n, Index most) {
  const Index step = most > 0 && n > most ? (n + most - 1) / most : 1;
  std::vector<Index> out;
  for (Index i = 0; i < n; i += step) out.push_back(i);
  return out;
}

}  // namespace pathline

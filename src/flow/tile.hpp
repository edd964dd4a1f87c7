// How a batch is cut into tiles, each on one thread.
#pragma once

#include <algorithm>

#include "pathline/core/types.hpp"

namespace pathline {

// n samples in tiles of `size`, the last perhaps smaller.
struct Tiles {
  Index n, size;
  Index count() const { return (n + size - 1) / size; }
  Index begin(Index tile) const { return tile * size; }
  Index batch(Index tile) const { return std::min(size, n - begin(tile)); }
};

}  // namespace pathline

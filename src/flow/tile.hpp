// How a batch is cut into tiles, each on one thread.
#pragma once

#include <algorithm>

#include "pathline/core/types.hpp"

namespace pathline {

// The size of the tiles of a batch of n samples: `size`, or for 0 as few tiles as hold at most 64 samples each, all of
// one size, so that no thread waits for a short one. A function of n alone: results do not depend on the threads.
inline Index tile_size(Index size, Index n) {
  if (size > 0) return size;
  const Index tiles = std::max<Index>(1, (n + 63) / 64);
  return std::max<Index>(1, (n + tiles - 1) / tiles);
}

// n samples in tiles of `size`, the last perhaps smaller.
struct Tiles {
  Index n, size;
  Index count() const { return (n + size - 1) / size; }
  Index begin(Index tile) const { return tile * size; }
  Index batch(Index tile) const { return std::min(size, n - begin(tile)); }
};

}  // namespace pathline

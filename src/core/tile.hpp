// Cuts a batch into tiles, each of which is solved on one thread.
#pragma once

#include <algorithm>

#include <fmt/format.h>

#include "core/option_check.hpp"
#include "pathline/core/types.hpp"

namespace pathline {

// The tile size for a batch of n samples: `size`, or if it is 0, the size of the fewest equal tiles of at most 64
// samples, so that no thread waits for another. It depends on n only, so results do not depend on the threads.
inline Index tile_size(Index size, Index n) {
  if (size > 0) return size;
  const Index tiles = std::max<Index>(1, (n + 63) / 64);
  return std::max<Index>(1, (n + tiles - 1) / tiles);
}

// Tiles of a long stream that is drawn or evaluated in parts, of which `first` is the number of the first sample. Every
// call comes here: the text is made only if it is needed.
inline void check_tiles(Index tile, Index first) {
  require(tile >= 1, "tile", tile, ">= 1");
  if (first < 0 || first % tile != 0) require(false, "first", first, fmt::format("a multiple of tile = {}", tile));
}

// n samples in tiles of `size`; the last tile may be smaller.
struct Tiles {
  Index n, size;
  Index count() const { return (n + size - 1) / size; }
  Index begin(Index tile) const { return tile * size; }
  Index batch(Index tile) const { return std::min(size, n - begin(tile)); }
};

}  // namespace pathline

// The number of points that a command evaluates before it reports its progress.
#pragma once

#include <algorithm>

#include "core/clock.hpp"
#include "pathline/core/types.hpp"

namespace pathline {

// The size starts small and follows the speed, so that a part takes about a quarter of a second for any model. Results
// do not depend on it, because every size is a multiple of the tile size.
class PartSize {
 public:
  // The size of the next part. Call it once before each.
  Index next() {
    const double now = seconds_now();
    if (size_ == 0)
      size_ = kLeast;
    else if (const double took = now - begin_; took < 0.2)
      size_ = std::min(kMost, 2 * size_);
    else if (took > 0.6)
      size_ = std::max(kLeast, size_ / 2);
    begin_ = now;
    return size_;
  }

 private:
  static constexpr Index kLeast = 1 << 10, kMost = 1 << 16;
  Index size_ = 0;
  double begin_ = 0;
};

}  // namespace pathline

// The evaluations of the field that the points of a command take.
#pragma once

#include <cmath>

#include "core/tile.hpp"

namespace pathline {

// The mean number of evaluations of a tile, from the means of parts. Their sizes are multiples of the tile but for the
// last, and follow the clock (PartSize), on which the mean does not depend.
class MeanNfe {
 public:
  void add(double nfe, Index points, Index tile) {
    const Index tiles = Tiles{points, tile}.count();
    evaluations_ += std::round(nfe * static_cast<double>(tiles)), tiles_ += tiles;  // a whole number, but for rounding
  }
  double value() const { return tiles_ > 0 ? evaluations_ / static_cast<double>(tiles_) : 0; }

 private:
  double evaluations_ = 0;
  Index tiles_ = 0;
};

}  // namespace pathline

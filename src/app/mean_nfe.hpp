// The evaluations of the field that the points of a command take.
#pragma once

#include <cmath>

#include "core/tile.hpp"

namespace pathline {

// The mean number of evaluations over the tiles, from the means of parts. All parts but the last are multiples of the
// tile. Their sizes may depend on the speed of the machine (PartSize); the mean does not.
class MeanNfe {
 public:
  void add(double nfe, Index points, Index tile) {
    const Index tiles = Tiles{points, tile}.count();
    evaluations_ += std::round(nfe * static_cast<double>(tiles)), tiles_ += tiles;  // an integer up to rounding
  }
  double value() const { return tiles_ > 0 ? evaluations_ / static_cast<double>(tiles_) : 0; }

 private:
  double evaluations_ = 0;
  Index tiles_ = 0;
};

}  // namespace pathline

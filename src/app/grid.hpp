// A regular grid of cell centres.
#pragma once

#include <string>
#include <vector>

#include "pathline/core/types.hpp"

namespace pathline {

class Grid {
 public:
  struct Axis {
    double low, high;
    Index count;
    double step() const { return (high - low) / static_cast<double>(count); }
    double centre(Index i) const { return low + (static_cast<double>(i) + 0.5) * step(); }
  };
  // "LOW:HIGH:N" for all of dim axes, or dim such with commas between. InputError for anything else, low >= high, N < 1
  // and more than 10^9 points.
  static Grid parse(const std::string& text, Index dim);

  explicit Grid(std::vector<Axis> axes) : axes_(std::move(axes)) {}
  Index size() const;
  double cell() const;                                    // volume
  Matrix<double> points(Index first, Index count) const;  // d x count; the first axis runs fastest
  const std::vector<Axis>& axes() const { return axes_; }

 private:
  std::vector<Axis> axes_;
};

}  // namespace pathline

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
    bool slice() const { return low == high; }  // a single value
    double step() const { return (high - low) / static_cast<double>(count); }
    double centre(Index i) const { return low + (static_cast<double>(i) + 0.5) * step(); }
  };
  // "LOW:HIGH:N" for all of dim axes, or dim of "LOW:HIGH:N" and "VALUE" with commas between; or "NAME=LOW:HIGH:N" and
  // "NAME=VALUE" of some columns: the others are integrated out. InputError for anything else, low >= high, N < 1 and
  // more than 10^9 points.
  static Grid parse(const std::string& text, const std::vector<std::string>& names, Index dim);

  // integrated: the columns without an axis; their points are NaN.
  explicit Grid(std::vector<Axis> axes, std::vector<Index> integrated = {})
      : axes_(std::move(axes)), integrated_(std::move(integrated)) {}
  Index size() const;
  double cell() const;                                    // volume, over the axes that are no slices
  Matrix<double> points(Index first, Index count) const;  // d x count; the first axis runs fastest
  const std::vector<Axis>& axes() const { return axes_; }  // one a column
  const std::vector<Index>& integrated() const { return integrated_; }
  std::vector<Index> extended() const;  // the columns with more than one value, in their order

  // Values in the order of points() as an array over extended(), the last axis fastest.
  std::vector<double> as_array(const std::vector<double>& values) const;

 private:
  std::vector<Axis> axes_;
  std::vector<Index> integrated_;
};

}  // namespace pathline

// Adaptive integrals over boxes of one to three dimensions.
#pragma once

#include <functional>
#include <vector>

#include "pathline/core/types.hpp"

namespace pathline {

struct Box {
  Vector<double> low, high;  // d
  double volume() const { return (high - low).prod(); }
};

struct Integral {
  double value = 0;
  double error = 0;  // the sum of the differences between the rule and the embedded one: an upper estimate
  Index evaluations = 0;
};

struct CubatureOptions {
  double tolerance = 1e-3;    // stops when the error is below
  Index evaluations = 40000;  // or when this many are spent
};

// f: points d x n to values 1 x n. The integral over the union of the boxes, which do not overlap. The boxes with the
// largest errors are halved, many at a time so that f sees large batches.
Integral integrate(const std::function<RowVector<double>(const Matrix<double>&)>& f, const std::vector<Box>& boxes,
                   const CubatureOptions& options);

// The box cut at the medians of the points in it, along its axes in turn, until each part has at most `most` of them,
// and each part cut again close around its points: a narrow mode gets narrow boxes. points: d x n.
std::vector<Box> boxes_of_points(const Box& box, const Matrix<double>& points, Index most);

}  // namespace pathline

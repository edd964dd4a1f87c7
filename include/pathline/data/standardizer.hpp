// The mean and the scale of each column of a data set.
#pragma once

#include <string>
#include <vector>

#include "pathline/core/types.hpp"

namespace pathline {

// z = (x - mean) / scale. A model keeps both, and -sum(log scale) is part of its log-density, which is that
// of x in the data's own units.
struct Standardizer {
  Vector<double> mean;   // d
  Vector<double> scale;  // d, > 0: standard deviation, sqrt(mean((x - mean)^2))
};

// A column that never changes has no density, unless noise is added to it: then its scale is 1.
enum class ConstantColumns { refuse, allow };

// Statistics of x (d x N, N >= 2), which has to be training data alone. InputError names the column (counted
// from 1, or by columns when given) that is constant or holds a value that is not finite.
Standardizer fit_standardizer(ConstMatrixRef<double> x, const std::vector<std::string>& columns = {},
                              ConstantColumns constant = ConstantColumns::refuse);

}  // namespace pathline

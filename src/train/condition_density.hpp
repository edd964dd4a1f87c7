// The marginal log-density log p(c) of one column of a two-dimensional density, for its conditional densities.
#pragma once

#include <functional>

#include "pathline/core/types.hpp"

namespace pathline {

// joint: log p(x, c), 1 x N, of points 2 x N whose condition is in row `row`. c: 1 x N. Returns the logarithm, 1 x N, of
// the integral of p(x, c) dx, by the trapezoidal rule on [-6, 6]. The rule is exact to rounding for the smooth densities
// of the toys and for the squares of checkerboard. The integral is tabulated in c, and its logarithm is interpolated with
// an error of about 1e-9, or 1e-7 at the folds of pinwheel. threads: as EvaluationOptions::threads; several call joint at once.
RowVector<double> log_condition_density(const std::function<RowVector<double>(ConstMatrixRef<double>)>& joint,
                                        Index row, ConstMatrixRef<double> c, int threads = 1);

}  // namespace pathline

// log p(c) of one column of a two-dimensional law, for its conditional densities.
#pragma once

#include <functional>

#include "pathline/core/types.hpp"

namespace pathline {

// joint: log p(x, c), 1 x N, of points 2 x N whose condition is in row `row`. c: 1 x N. Gives 1 x N: integral p(x, c)
// dx by the trapezoidal rule on [-6, 6], which is exact to rounding for the toys' smooth densities and for the squares
// of checkerboard, tabulated in c and interpolated in its logarithm: to about 1e-9, and 1e-7 at the folds of pinwheel.
// threads: as EvaluationOptions::threads; several call joint at once.
RowVector<double> log_condition_density(const std::function<RowVector<double>(ConstMatrixRef<double>)>& joint,
                                        Index row, ConstMatrixRef<double> c, int threads = 1);

}  // namespace pathline

// The residual of the continuity equation at points and a time: the figure of check_continuity, for pictures.
#pragma once

#include <vector>

#include "pathline/verify/check.hpp"

namespace pathline {

// |(d/dt + f grad) log rho + div f| / (1 + |div f|) at the points x (d x N, in the units of the data; c: dc x N) and a
// time of the flow, whose columns are not periodic. A time nearer than half a percent to an end of its block is moved
// there. InputError for a model without a continuous block.
RowVector<double> continuity_residual(const Subject& subject, double t, const Matrix<double>& x,
                                      const Matrix<double>& c);

// The 90 % quantile. A NaN counts as the largest value; the result is NaN for no values.
double ninth_decile(std::vector<double> values);

}  // namespace pathline

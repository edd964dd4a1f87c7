// The assignment problem.
#pragma once

#include <vector>

#include "pathline/core/types.hpp"

namespace pathline {

// Returns the permutation p with the smallest sum_i cost(i, p[i]), exactly. cost: n x n, finite.
std::vector<Index> solve_assignment(const Matrix<double>& cost);

}  // namespace pathline

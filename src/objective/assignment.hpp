// The assignment problem.
#pragma once

#include <vector>

#include "pathline/core/types.hpp"

namespace pathline {

// The permutation p that minimizes sum_i cost(i, p[i]), exactly. cost: n x n, finite.
std::vector<Index> solve_assignment(const Matrix<double>& cost);

}  // namespace pathline

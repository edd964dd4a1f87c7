// Columns that are nearly linear functions of others.
#pragma once

#include <vector>

#include "pathline/core/types.hpp"

namespace pathline {

struct Dependence {
  Index column;  // from 0
  double width;  // root mean square of the residual of the linear function
};

// L of x = L z, for standardized x (d x N): the row of a column that varies by less than 1e-3 about its best linear
// function of the z before it has the coefficients of that function and, on the diagonal, the width; every other row is
// that of the identity. With fewer rows than columns no dependence is found.
Matrix<double> dependences(ConstMatrixRef<double> x, std::vector<Dependence>& found);

}  // namespace pathline

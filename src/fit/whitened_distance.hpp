// The one inner loop of Gaussian mixtures: the squared distance of many rows to one component.
#pragma once

#include "pathline/core/types.hpp"

namespace pathline {

// Rows are handled in blocks of this size, a multiple of the lanes of every instruction set.
inline constexpr Index kLanes = 32;
using Lanes = Eigen::Array<double, kLanes, 1>;

inline Index padded(Index rows) { return (rows + kLanes - 1) / kLanes * kLanes; }

// The lower triangle of L^-1 row by row, as whitened_distance takes it.
inline void pack_inverse(const Matrix<double>& scale, double* packed) {
  const Index d = scale.rows();
  const Matrix<double> inverse = scale.triangularView<Eigen::Lower>().solve(Matrix<double>::Identity(d, d));
  for (Index i = 0; i < d; ++i)
    for (Index j = 0; j <= i; ++j) *packed++ = inverse(i, j);
}

// out[b] = factor - |L^-1 x_b - offset|^2 / 2 for the rows of x: n x d, one sample a row, n a multiple of kLanes.
// packed: see pack_inverse; offset: d numbers, L^-1 mean.
void whitened_distance(const Matrix<double>& x, const double* packed, const double* offset, double factor, double* out);

// exp(x), or 0 below exp(-40), which is lost in the rounding of a sum with 1. It is never a denormal number, with which
// arithmetic is slow.
Lanes exp_or_zero(const Lanes& x);

// Whether the squared distance of a point is finite even for a component of width 1e-4.
template <class P> bool in_reach(const P& point) { return point.allFinite() && point.cwiseAbs().maxCoeff() < 1e150; }

// Columns begin ... begin + n of x (d x N) as rows, followed by copies of the last up to a multiple of kLanes. A point
// that is not in reach becomes 0, so that it does not touch the points beside it.
inline void gather_rows(ConstMatrixRef<double> x, Index begin, Index n, Matrix<double>& rows) {
  rows.resize(padded(n), x.rows());
  rows.topRows(n) = x.middleCols(begin, n).transpose();
  for (Index b = 0; b < n; ++b)
    if (!in_reach(x.col(begin + b))) rows.row(b).setZero();
  for (Index b = n; b < rows.rows(); ++b) rows.row(b) = rows.row(n - 1);
}

}  // namespace pathline

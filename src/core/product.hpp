// Matrix products of the sizes of a small network: the left factor fits in the first-level cache, so it is not packed
// or copied. 64 x 64 by 64 x 150 runs at about 1.7 times the rate of the product of Eigen (tools/bench prints it).
#pragma once

#include "pathline/core/types.hpp"

namespace pathline {

// The left factor A (rows x depth), in both orders: `columns` has its columns contiguous (leading dimension rows),
// `rows_first` its rows (leading dimension depth).
template <class S> struct LeftFactor {
  Index rows, depth;
  const S* columns;
  const S* rows_first;
};

// C = A B or C += A B. B: depth x n, its columns contiguous with leading dimension ldb. C: rows x n, ldc.
enum class Store { overwrite, add };
template <class S>
void multiply(const LeftFactor<S>& a, const S* b, Index ldb, Index n, S* c, Index ldc, Store store = Store::overwrite);

// C += A B^T, with A: rows x depth (lda), B: n x depth (ldb), C: rows x n (ldc): the gradient of a weight.
template <class S>
void add_outer(Index rows, Index n, Index depth, const S* a, Index lda, const S* b, Index ldb, S* c, Index ldc);

// B = A^T, with A: rows x cols (lda) and B: cols x rows (ldb).
template <class S> void transpose(Index rows, Index cols, const S* a, Index lda, S* b, Index ldb);

}  // namespace pathline

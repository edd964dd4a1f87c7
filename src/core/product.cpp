#include "core/product.hpp"

#include <algorithm>

#define HWY_TARGET_INCLUDE "core/product.cpp"
#include "core/packet.hpp"

HWY_BEFORE_NAMESPACE();
namespace pathline {
namespace HWY_NAMESPACE {
namespace {

using simd::Packet;

// The accumulators take 4 x 6 of 32 registers (AVX-512, NEON) or 2 x 6 of 16 (AVX2).
constexpr int kPanel = simd::kRegisters >= 32 ? 4 : 2;
constexpr int kColumns = 6;

// Computes one block of R packets x C columns of the result. B(k, j) is at b[k * bk + j * bj].
template <class P, int R, int C, class S>
inline void block(Index depth, const S* a, Index lda, const S* b, Index bk, Index bj, S* c, Index ldc, Store store) {
  constexpr Index lanes = simd::kLanes<P>;
  P sums[R][C];
  for (int r = 0; r < R; ++r)
    for (int j = 0; j < C; ++j)
      sums[r][j] = store == Store::add ? simd::load<P>(c + j * ldc + r * lanes) : simd::set<P>(0);
  for (Index k = 0; k < depth; ++k) {
    P column[R];
    for (int r = 0; r < R; ++r) column[r] = simd::load<P>(a + k * lda + r * lanes);
    for (int j = 0; j < C; ++j) {
      const P x = simd::set<P>(b[k * bk + j * bj]);
      for (int r = 0; r < R; ++r) sums[r][j] = simd::madd(column[r], x, sums[r][j]);
    }
  }
  for (int j = 0; j < C; ++j)
    for (int r = 0; r < R; ++r) simd::store(c + j * ldc + r * lanes, sums[r][j]);
}

// Computes R packets of rows of the result, in all n columns.
template <class P, int R, class S>
void panel(Index n, Index depth, const S* a, Index lda, const S* b, Index bk, Index bj, S* c, Index ldc, Store store) {
  Index j = 0;
  for (; j + kColumns <= n; j += kColumns)
    block<P, R, kColumns>(depth, a, lda, b + j * bj, bk, bj, c + j * ldc, ldc, store);
  b += j * bj, c += j * ldc;
  switch (n - j) {
    case 5:
      block<P, R, 5>(depth, a, lda, b, bk, bj, c, ldc, store);
      break;
    case 4:
      block<P, R, 4>(depth, a, lda, b, bk, bj, c, ldc, store);
      break;
    case 3:
      block<P, R, 3>(depth, a, lda, b, bk, bj, c, ldc, store);
      break;
    case 2:
      block<P, R, 2>(depth, a, lda, b, bk, bj, c, ldc, store);
      break;
    case 1:
      block<P, R, 1>(depth, a, lda, b, bk, bj, c, ldc, store);
      break;
    default:
      break;
  }
}

// Computes as many whole packets of rows as there are, and returns the number of these rows.
template <class S> Index panels(Index rows, Index n, Index depth, const S* a, Index lda, const S* b, Index bk, Index bj,
                                S* c, Index ldc, Store store) {
  using P = Packet<S>;
  constexpr Index lanes = simd::kLanes<P>;
  Index i = 0;
  for (; i + kPanel * lanes <= rows; i += kPanel * lanes)
    panel<P, kPanel>(n, depth, a + i, lda, b, bk, bj, c + i, ldc, store);
  if constexpr (kPanel == 4)
    for (; i + 2 * lanes <= rows; i += 2 * lanes) panel<P, 2>(n, depth, a + i, lda, b, bk, bj, c + i, ldc, store);
  for (; i + lanes <= rows; i += lanes) panel<P, 1>(n, depth, a + i, lda, b, bk, bj, c + i, ldc, store);
  return i;
}

template <class S> S dot(const S* x, const S* y, Index n) {
  using P = Packet<S>;
  constexpr Index lanes = simd::kLanes<P>;
  P sums = simd::set<P>(0);
  Index k = 0;
  for (; k + lanes <= n; k += lanes) sums = simd::madd(simd::load<P>(x + k), simd::load<P>(y + k), sums);
  S sum = simd::sum(sums);
  for (; k < n; ++k) sum += x[k] * y[k];
  return sum;
}

template <class S> void multiply(const LeftFactor<S>& a, const S* b, Index ldb, Index n, S* c, Index ldc, Store store) {
  const Index done = panels(a.rows, n, a.depth, a.columns, a.rows, b, 1, ldb, c, ldc, store);
  for (Index j = 0; j < n; ++j)
    for (Index i = done; i < a.rows; ++i) {
      const S sum = dot(a.rows_first + i * a.depth, b + j * ldb, a.depth);
      c[j * ldc + i] = store == Store::add ? c[j * ldc + i] + sum : sum;
    }
}

template <class S>
void add_outer(Index rows, Index n, Index depth, const S* a, Index lda, const S* b, Index ldb, S* c, Index ldc) {
  // The depth is cut in parts, so that what every column of the result reads again stays in the first-level cache.
  constexpr Index kStretch = 64;
  if (depth == 0) return;
  Index done = 0;
  for (Index k = 0; k < depth; k += kStretch)
    done = panels(rows, n, std::min(kStretch, depth - k), a + k * lda, lda, b + k * ldb, ldb, Index{1}, c, ldc,
                  Store::add);
  if (done == rows) return;
  // With fewer rows than a packet has lanes, the transposed product is computed, and then its transpose.
  constexpr Index kLanes = simd::kLanes<Packet<S>>, kBlock = 64;
  S transposed[kBlock * kLanes];
  const Index left = rows - done;
  for (Index j = 0; j < n; j += kBlock) {
    const Index width = std::min(kBlock, n - j);
    std::fill_n(transposed, width * left, S(0));
    const Index whole = panels(width, left, depth, b + j, ldb, a + done, lda, Index{1}, transposed, width, Store::add);
    for (Index k = 0; k < depth; ++k)
      for (Index r = 0; r < left; ++r)
        for (Index i = whole; i < width; ++i) transposed[r * width + i] += b[k * ldb + j + i] * a[k * lda + done + r];
    for (Index i = 0; i < width; ++i)
      for (Index r = 0; r < left; ++r) c[(j + i) * ldc + done + r] += transposed[r * width + i];
  }
}

template <class S> void transpose(Index rows, Index cols, const S* a, Index lda, S* b, Index ldb) {
  constexpr Index kSquare = simd::kSquare<S>;
  const Index square_rows = rows / kSquare * kSquare, square_cols = cols / kSquare * kSquare;
  for (Index j = 0; j < square_cols; j += kSquare)
    for (Index i = 0; i < square_rows; i += kSquare)
      simd::transpose_square<S>(a + j * lda + i, lda, b + i * ldb + j, ldb);
  for (Index j = 0; j < cols; ++j)
    for (Index i = j < square_cols ? square_rows : 0; i < rows; ++i) b[i * ldb + j] = a[j * lda + i];
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace pathline
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pathline {

template <class S> void multiply(const LeftFactor<S>& a, const S* b, Index ldb, Index n, S* c, Index ldc, Store store) {
  PATHLINE_KERNEL(multiply<S>)(a, b, ldb, n, c, ldc, store);
}

template <class S>
void add_outer(Index rows, Index n, Index depth, const S* a, Index lda, const S* b, Index ldb, S* c, Index ldc) {
  PATHLINE_KERNEL(add_outer<S>)(rows, n, depth, a, lda, b, ldb, c, ldc);
}

template <class S> void transpose(Index rows, Index cols, const S* a, Index lda, S* b, Index ldb) {
  PATHLINE_KERNEL(transpose<S>)(rows, cols, a, lda, b, ldb);
}

#define PATHLINE_INSTANTIATE(S)                                                                 \
  template void multiply<S>(const LeftFactor<S>&, const S*, Index, Index, S*, Index, Store);    \
  template void add_outer<S>(Index, Index, Index, const S*, Index, const S*, Index, S*, Index); \
  template void transpose<S>(Index, Index, const S*, Index, S*, Index);
PATHLINE_INSTANTIATE(float)
PATHLINE_INSTANTIATE(double)
#undef PATHLINE_INSTANTIATE

}  // namespace pathline
#endif  // HWY_ONCE

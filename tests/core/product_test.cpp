#include "core/product.hpp"

#include <gtest/gtest.h>

#include "core/every_instruction_set.hpp"

namespace pathline {
namespace {

template <class S> class Product : public testing::Test {};
using Scalars = testing::Types<float, double>;
TYPED_TEST_SUITE(Product, Scalars);

constexpr Index kSizes[] = {0, 1, 2, 3, 7, 16, 17, 64, 65, 100, 150};

template <class Check> void for_every_shape(Check check) {
  with_every_instruction_set([&] {
    for (Index rows : kSizes)
      for (Index depth : kSizes)
        for (Index n : kSizes) check(rows, depth, n);
  });
}

// Sums of up to 150 products of numbers in [-1, 1].
template <class S> constexpr S kTolerance = 150 * std::numeric_limits<S>::epsilon();

TYPED_TEST(Product, AgreesWithEigenAtEveryShape) {
  using S = TypeParam;
  for_every_shape([](Index rows, Index depth, Index n) {
    const Matrix<S> a = Matrix<S>::Random(rows, depth), b = Matrix<S>::Random(depth, n),
                    start = Matrix<S>::Random(rows, n);
    const Matrix<S> first = a.transpose();
    Matrix<S> c = start, sum = start;
    multiply<S>({rows, depth, a.data(), first.data()}, b.data(), depth, n, c.data(), rows);
    multiply<S>({rows, depth, a.data(), first.data()}, b.data(), depth, n, sum.data(), rows, Store::add);
    if (rows * n == 0) return;
    ASSERT_LT((c - a * b).cwiseAbs().maxCoeff(), kTolerance<S>) << rows << " x " << depth << " x " << n;
    ASSERT_LT((sum - start - a * b).cwiseAbs().maxCoeff(), kTolerance<S>) << rows << " x " << depth << " x " << n;
  });
}

// A stage whose weight is 0 has no tangents, so a depth of 0; from 65 rows on that wrote past a buffer on the stack,
// and training 64-dimensional data crashed.
TYPED_TEST(Product, OuterProductOfNoColumnsAtAllLeavesTheSumAlone) {
  using S = TypeParam;
  for_every_shape([](Index rows, Index depth, Index n) {
    const Matrix<S> a = Matrix<S>::Random(rows, depth), b = Matrix<S>::Random(n, depth),
                    start = Matrix<S>::Random(rows, n);
    Matrix<S> c = start;
    add_outer<S>(rows, n, depth, a.data(), rows, b.data(), n, c.data(), rows);
    if (rows * n == 0) return;
    ASSERT_LT((c - start - a * b.transpose()).cwiseAbs().maxCoeff(), kTolerance<S>)
        << rows << " x " << depth << " x " << n;
  });
}

TYPED_TEST(Product, TransposeMovesEveryElement) {
  using S = TypeParam;
  with_every_instruction_set([&] {
    for (Index rows : kSizes)
      for (Index cols : kSizes) {
        const Matrix<S> a = Matrix<S>::Random(rows + 1, cols);
        Matrix<S> b = Matrix<S>::Zero(cols + 2, rows);
        transpose<S>(rows, cols, a.data(), rows + 1, b.data(), cols + 2);
        ASSERT_TRUE(b.topRows(cols) == a.topRows(rows).transpose()) << rows << " x " << cols;
        ASSERT_TRUE(b.bottomRows(2).isZero(0)) << rows << " x " << cols;
      }
  });
}

}  // namespace
}  // namespace pathline

/// \file
/// The array types of pathline. In memory each sample is a column; in files each sample is a row.
#pragma once

#include <Eigen/Core>

// How Eigen aligns its memory is part of the library's ABI, and would depend on -march: it is that of the widest
// vectors everywhere. find_package(pathline), pkg-config and FetchContent define both macros.
static_assert(EIGEN_MAX_ALIGN_BYTES == 64 && EIGEN_MAX_STATIC_ALIGN_BYTES == 64,
              "pathline needs the alignment of Eigen that it was compiled with: define EIGEN_MAX_ALIGN_BYTES=64 and "
              "EIGEN_MAX_STATIC_ALIGN_BYTES=64 for the whole program");

namespace pathline {

using Index = Eigen::Index;

template <class S> using Matrix = Eigen::Matrix<S, Eigen::Dynamic, Eigen::Dynamic>;
template <class S> using Vector = Eigen::Matrix<S, Eigen::Dynamic, 1>;
template <class S> using RowVector = Eigen::Matrix<S, 1, Eigen::Dynamic>;

/// Views. A Ref has unit inner stride and any outer stride: blocks of columns and of rows both bind.
template <class S> using MatrixRef = Eigen::Ref<Matrix<S>, 0, Eigen::OuterStride<>>;
template <class S> using ConstMatrixRef = Eigen::Ref<const Matrix<S>, 0, Eigen::OuterStride<>>;
template <class S> using VectorRef = Eigen::Ref<Vector<S>>;
template <class S> using ConstVectorRef = Eigen::Ref<const Vector<S>>;

template <class S> using MatrixMap = Eigen::Map<Matrix<S>>;
template <class S> using ConstMatrixMap = Eigen::Map<const Matrix<S>>;
template <class S> using VectorMap = Eigen::Map<Vector<S>>;
template <class S> using ConstVectorMap = Eigen::Map<const Vector<S>>;
template <class S> using RowVectorMap = Eigen::Map<RowVector<S>>;
template <class S> using ConstRowVectorMap = Eigen::Map<const RowVector<S>>;

}  // namespace pathline

/// \file
/// Scratch memory that is allocated once and handed out as Eigen maps, so that a solve allocates no memory.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "pathline/core/types.hpp"

namespace pathline {

/// A stack of scratch arrays. Arrays are taken during the lifetime of a Frame, whose destructor returns all of them at
/// once. The memory is 64-byte aligned and is kept for the next use. Each thread has its own workspace.
///
///     Workspace<S>::Frame frame(workspace);
///     auto h = workspace.matrix(64, 192);   // uninitialized
template <class S> class Workspace {
 public:
  class Frame {
   public:
    explicit Frame(Workspace& w) : w_(w), chunk_(w.chunk_), used_(w.used_) {}
    ~Frame() { w_.chunk_ = chunk_, w_.used_ = used_; }
    Frame(const Frame&) = delete;
    Frame& operator=(const Frame&) = delete;

   private:
    Workspace& w_;
    std::size_t chunk_, used_;
  };

  using AlignedMatrix = Eigen::Map<Matrix<S>, Eigen::AlignedMax>;
  using AlignedRow = Eigen::Map<RowVector<S>, Eigen::AlignedMax>;
  using AlignedVector = Eigen::Map<Vector<S>, Eigen::AlignedMax>;

  AlignedMatrix matrix(Index rows, Index cols) { return AlignedMatrix(take(rows * cols), rows, cols); }
  AlignedRow row(Index cols) { return AlignedRow(take(cols), cols); }
  AlignedVector vector(Index rows) { return AlignedVector(take(rows), rows); }
  S* take(Index count);

 private:
  struct Free {
    void operator()(S* p) const;
  };
  struct Chunk {
    std::unique_ptr<S[], Free> data;
    std::size_t size = 0;
  };
  std::vector<Chunk> chunks_;
  std::size_t chunk_ = 0, used_ = 0;
};

extern template class Workspace<float>;
extern template class Workspace<double>;

}  // namespace pathline

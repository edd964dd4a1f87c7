// The rows to which a mixture is fitted, cut into blocks.
#pragma once

#include <algorithm>
#include <vector>

#include "pathline/core/parallel.hpp"
#include "pathline/core/types.hpp"

namespace pathline {

class MixtureRows {
 public:
  static constexpr Index kBlock = 128;  // rows of one product
  static constexpr Index kParts = 16;   // partial sums

  // rows: d x N; weights: N, or empty for equal ones. InputError for what fit_mixture refuses.
  MixtureRows(ConstMatrixRef<double> rows, ConstVectorRef<double> weights, int threads);

  const Matrix<double>& rows() const { return rows_; }
  const Vector<double>& weights() const { return weights_; }
  Index dim() const { return rows_.rows(); }
  Index size() const { return rows_.cols(); }
  Index blocks() const { return (size() + kBlock - 1) / kBlock; }
  Index parts() const { return std::min(kParts, blocks()); }
  double total() const { return weights_.sum(); }
  int threads() const { return threads_; }

  // The rows with these indices, in this order.
  MixtureRows some(const std::vector<Index>& which) const;

  // Calls body(block, begin, count, part) for the blocks of each part, in order within a part. Sums that are formed
  // part by part, and then in the order of the parts, are a function of the rows alone, not of the threads.
  template <class F> void for_blocks(F body) const {
    const Index blocks = this->blocks(), parts = this->parts();
    parallel_for(parts, threads_, [&](Index part, int) {
      for (Index block = blocks * part / parts; block < blocks * (part + 1) / parts; ++block)
        body(block, block * kBlock, std::min(kBlock, size() - block * kBlock), part);
    });
  }

 private:
  Matrix<double> rows_;
  Vector<double> weights_;
  int threads_;
};

// 0, step, 2 step, ... below the number of rows.
inline std::vector<Index> every(Index step, Index rows) {
  std::vector<Index> out;
  for (Index i = 0; i < rows; i += step) out.push_back(i);
  return out;
}

}  // namespace pathline

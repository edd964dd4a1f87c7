/// \file
/// The state of an ODE for a tile of samples: blocks of rows x B that follow each other in one flat array.
#pragma once

#include <vector>

#include "pathline/core/types.hpp"

namespace pathline {

/// Each block is rows x batch with one sample per column. The error norm counts the first `normed` blocks; the others
/// are integrals that feed nothing back into the solution (Kidger et al. 2021, "Hey, that's not an ODE").
struct StateLayout {
  Index batch = 0;
  std::vector<Index> rows;
  std::size_t normed = 0;

  Index size() const {
    Index sum = 0;
    for (Index r : rows) sum += r * batch;
    return sum;
  }
  Index offset(std::size_t block) const {
    Index sum = 0;
    for (std::size_t i = 0; i < block; ++i) sum += rows[i] * batch;
    return sum;
  }
  bool operator==(const StateLayout&) const = default;
};

template <class S> class State {
 public:
  State() = default;
  explicit State(StateLayout layout) { resize(layout); }
  void resize(const StateLayout& layout) {
    if (layout_ == layout) return;
    layout_ = layout;
    data_.resize(layout.size());
  }

  const StateLayout& layout() const { return layout_; }
  Index size() const { return data_.size(); }
  S* data() { return data_.data(); }
  const S* data() const { return data_.data(); }
  Vector<S>& flat() { return data_; }
  const Vector<S>& flat() const { return data_; }
  MatrixMap<S> block(std::size_t i) {
    return MatrixMap<S>(data() + layout_.offset(i), layout_.rows[i], layout_.batch);
  }
  ConstMatrixMap<S> block(std::size_t i) const {
    return ConstMatrixMap<S>(data() + layout_.offset(i), layout_.rows[i], layout_.batch);
  }

 private:
  StateLayout layout_;
  Vector<S> data_;
};

/// Returns the maximum over the samples of the root mean square of the sample's normed components. The result is +inf
/// if any component is not finite, so that no comparison lets a NaN pass.
template <class S> [[nodiscard]] double sample_norm(const StateLayout& layout, const S* x);

}  // namespace pathline

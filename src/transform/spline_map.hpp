// The rational-quadratic spline of neural spline flows (Durkan et al. 2019, section 3.1 and appendix A.1).
#pragma once

#include "transform/coupling_map.hpp"

namespace pathline {

// On [-box, box] g is a monotone rational-quadratic spline with K bins, outside it is the identity; its slope is 1 at
// the ends, so g is continuously differentiable. The widths of the bins are 2 box (m + (1 - K m) softmax(a)) with
// m = 1e-3, as their heights; the slope at an inner knot is m + softplus(c + log(e^(1 - m) - 1)), which is 1 for c = 0.
// Parameters: the a of the widths of every column, those of the heights, then the c: 3 K - 1 for each column.
template <class S> class SplineMap final : public CouplingMap<S> {
 public:
  SplineMap(Index columns, Index batch, Index bins, double box)
      : CouplingMap<S>(columns, batch), bins_(bins), box_(static_cast<S>(box)) {}

  Index parameters() const override { return this->columns * (3 * bins_ - 1); }
  void prepare(S* p) const override;  // the softmax of the widths and heights
  void apply(Direction direction, S* x, const S* p, S* log_slope, Workspace<S>& w) const override;
  void pullback(Direction direction, const S* base, const S* p, S* bar, const S* log_bar, S* p_bar,
                Workspace<S>& w) const override;

  static constexpr double kLeast = 1e-3;  // m
  static constexpr Index kMostBins = 256;

 private:
  struct Bins;
  Bins locate(Direction direction, const S* x, const S* p, Workspace<S>& w) const;
  S spread() const { return 2 * box_ * (1 - static_cast<S>(bins_) * static_cast<S>(kLeast)); }
  S floor() const { return 2 * box_ * static_cast<S>(kLeast); }

  Index bins_;
  S box_;
};

extern template class SplineMap<float>;
extern template class SplineMap<double>;

}  // namespace pathline

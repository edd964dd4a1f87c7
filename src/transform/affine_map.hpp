// The affine map of RealNVP (Dinh et al. 2017): y = z exp(s) + t.
#pragma once

#include <cmath>

#include "transform/coupling_map.hpp"

namespace pathline {

// The conditioner gives a and t of each column; s = 3 tanh(a / 3) keeps the scale between e^-3 and e^3. Parameters: all
// a, then all t.
template <class S> class AffineMap final : public CouplingMap<S> {
 public:
  using CouplingMap<S>::CouplingMap;
  static constexpr S kMost = 3;

  Index parameters() const override { return 2 * this->columns; }

  void prepare(S* p) const override {
    MatrixMap<S> all(p, parameters(), this->batch);
    all.topRows(this->columns) = kMost * (all.topRows(this->columns) / kMost).array().tanh();
  }

  void apply(Direction direction, S* x, const S* p, S* log_slope, Workspace<S>&) const override {
    const ConstMatrixMap<S> all(p, parameters(), this->batch);
    const auto s = all.topRows(this->columns).array(), t = all.bottomRows(this->columns).array();
    MatrixMap<S> at(x, this->columns, this->batch);
    if (direction == Direction::base_to_data)
      at = at.array() * s.exp() + t;
    else
      at = (at.array() - t) * (-s).exp();
    MatrixMap<S>(log_slope, this->columns, this->batch) = s;
  }

  void pullback(Direction direction, const S* base, const S* p, S* bar, const S* log_bar, S* p_bar,
                Workspace<S>&) const override {
    const bool up = direction == Direction::base_to_data;
    for (Index b = 0; b < this->batch; ++b)
      for (Index j = 0; j < this->columns; ++j) {
        const Index at = b * this->columns + j, a = b * parameters() + j;
        const S s = p[a], slope = std::exp(s), given = bar[at];
        bar[at] = up ? given * slope : given / slope;
        const S y_bar = up ? given : -bar[at];  // of g; by the implicit function theorem if it was inverted
        const S tanh_s = s / kMost;
        p_bar[a] = (y_bar * base[at] * slope + log_bar[b]) * (1 - tanh_s * tanh_s);
        p_bar[a + this->columns] = y_bar;
      }
  }
};

}  // namespace pathline

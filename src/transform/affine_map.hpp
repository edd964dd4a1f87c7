// The affine map of RealNVP (Dinh et al. 2017), y = z exp(s) + t, which fades to the identity far outside.
#pragma once

#include <cmath>

#include "transform/coupling_map.hpp"
#include "transform/rational_quadratic.hpp"

namespace pathline {

// The conditioner gives a and b of each column; s = 3 tanh(a / 3) keeps the scale between e^-3 and e^3, and
// t = c tanh(b / c) the image of 0 within c = 0.8 box. Parameters: all a, then all b.
//
// g is affine where z and y are both within [-c, c], and the identity outside of [-box, box]: an affine map there would
// give a density that grows along some directions, since s and t change with the columns that stay. One
// rational-quadratic bin on each side leads from the last affine point (z1, y1) to (box, box) and has the slopes of its
// neighbours at its ends, so that g is monotone, continuously differentiable and has a closed inverse.
template <class S> class AffineMap final : public CouplingMap<S> {
 public:
  AffineMap(Index columns, Index batch, double box)
      : CouplingMap<S>(columns, batch), box_(static_cast<S>(box)), inner_(static_cast<S>(kInner * box)) {}
  static constexpr S kMost = 3;
  static constexpr double kInner = 0.8;  // c / box

  Index parameters() const override { return 2 * this->columns; }

  void prepare(S* p) const override {
    MatrixMap<S> all(p, parameters(), this->batch);
    all.topRows(this->columns) = kMost * (all.topRows(this->columns) / kMost).array().tanh();
    all.bottomRows(this->columns) = inner_ * (all.bottomRows(this->columns) / inner_).array().tanh();
  }

  void apply(Direction direction, S* x, const S* p, S* log_slope, Workspace<S>&) const override {
    const bool up = direction == Direction::base_to_data;
    for (Index b = 0; b < this->batch; ++b)
      for (Index j = 0; j < this->columns; ++j) {
        const S s = p[b * parameters() + j], t = p[b * parameters() + j + this->columns], scale = std::exp(s);
        S &at = x[b * this->columns + j], &log = log_slope[b * this->columns + j];
        const int side = side_of(direction, at, t, scale);
        if (side == kOutside) {
          log = 0;
        } else if (side == 0) {
          at = up ? at * scale + t : (at - t) / scale;
          log = s;
        } else {
          const auto got = bin(corner(side * t, scale), scale).apply(up, side * at);
          at = side * got.to, log = std::log(got.slope);
        }
      }
  }

  void pullback(Direction direction, const S* base, const S* p, S* bar, const S* log_bar, S* p_bar,
                Workspace<S>&) const override {
    const bool up = direction == Direction::base_to_data;
    for (Index b = 0; b < this->batch; ++b)
      for (Index j = 0; j < this->columns; ++j) {
        const Index at = b * this->columns + j, a = b * parameters() + j;
        const S s = p[a], t = p[a + this->columns], scale = std::exp(s);
        const int side = side_of(Direction::base_to_data, base[at], t, scale);
        S s_bar = 0, t_bar = 0;
        if (side == 0) {
          const S given = bar[at];
          bar[at] = up ? given * scale : given / scale;
          t_bar = up ? given : -bar[at];  // of an inverse, by the implicit function theorem
          s_bar = t_bar * base[at] * scale + log_bar[b];
        } else if (side != kOutside) {
          const auto end = corner(side * t, scale);
          const auto got = bin(end, scale).pullback(up, side * base[at], side * bar[at], log_bar[b]);
          bar[at] = side * got.from;
          const S z_bar = got.x0 - got.width, y_bar = got.y0 - got.height;
          s_bar = got.d0 * scale + (end.whole ? y_bar * inner_ * scale : -z_bar * end.z);
          t_bar = side * (end.whole ? y_bar : -z_bar / scale);
        }
        const S tanh_s = s / kMost, tanh_t = t / inner_;
        p_bar[a] = s_bar * (1 - tanh_s * tanh_s);
        p_bar[a + this->columns] = t_bar * (1 - tanh_t * tanh_t);
      }
  }

 private:
  static constexpr int kOutside = 2;

  // The upper end of the affine part. whole: it is at z = c; otherwise it is at y = c.
  struct Corner {
    S z, y;
    bool whole;
  };
  Corner corner(S t, S scale) const {
    const S y = inner_ * scale + t;
    if (y > inner_) return {(inner_ - t) / scale, inner_, false};
    return {inner_, y, true};
  }
  // The bin from that corner to (box, box). The lower bin is the same for -z and -t.
  RationalQuadratic<S> bin(const Corner& from, S scale) const {
    return {from.z, from.y, box_ - from.z, box_ - from.y, scale, S(1)};
  }
  // 0: in the affine part; 1 or -1: in the upper or lower bin; kOutside: beyond the box, or NaN.
  int side_of(Direction direction, S x, S t, S scale) const {
    if (!(std::abs(x) < box_)) return kOutside;
    const auto beyond = [&](const Corner& end, S at) {
      return at > (direction == Direction::base_to_data ? end.z : end.y);
    };
    return beyond(corner(t, scale), x) ? 1 : beyond(corner(-t, scale), -x) ? -1 : 0;
  }

  S box_, inner_;
};

}  // namespace pathline

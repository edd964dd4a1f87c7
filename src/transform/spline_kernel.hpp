// One monotone rational-quadratic spline on [-bound, bound], made of the numbers that a network gives (Durkan et al.
// 2019, section 3.1): logits of the widths and of the heights of K bins, and K - 1 numbers for the slopes at the inner
// knots. Of zeros the spline is the identity.
#pragma once

#include <algorithm>
#include <cmath>

#include "pathline/core/types.hpp"
#include "transform/rational_quadratic.hpp"

namespace pathline {

template <class S> class SplineKernel {
 public:
  SplineKernel(Index bins, double bound) : k_(bins), bound_(static_cast<S>(bound)), widths_(bins), heights_(bins) {}

  // p: 3 K - 1 numbers.
  void set(const S* p) {
    p_ = p;
    shares(p, widths_);
    shares(p + k_, heights_);
  }

  bool inside(S value) const { return value > -bound_ && value < bound_; }

  // x inside: y, and log dy/dx.
  S forward(S x, S& log_slope) {
    find(x, widths_);
    const auto v = piece_.at((x - piece_.x0) / piece_.width);
    log_slope = std::log(v.slope);
    return v.y;
  }
  // y inside: the x of which it is the image, and log dy/dx there.
  S inverse(S y, S& log_slope) {
    find(y, heights_);
    const S t = std::clamp(piece_.inverse(y), S(0), S(1));
    log_slope = std::log(piece_.at(t).slope);
    return piece_.x0 + t * piece_.width;
  }

  // The transpose of (x, p) -> (y, log dy/dx) at x inside: p_bar (3 K - 1) is overwritten; gives x_bar, and dy/dx.
  S pullback(S x, S y_bar, S log_bar, S* p_bar, S& slope) {
    find(x, widths_);
    const auto& q = piece_;
    const S w = q.width, h = q.height, s = h / w, t = (x - q.x0) / w, u = 1 - t, tu = t * u, turn = u - t;
    const S curve = q.d0 + q.d1 - 2 * s;
    const S a = s * t * t + q.d0 * tu, b = s + curve * tu, n = q.d1 * t * t + 2 * s * tu + q.d0 * u * u, r = a / b;
    slope = s * s * n / (b * b);
    S h_bar = y_bar * r, s_bar = 2 * log_bar / s;
    const S a_bar = y_bar * h / b, b_bar = -a_bar * r - 2 * log_bar / b, n_bar = log_bar / n;
    s_bar += a_bar * t * t + b_bar * (1 - 2 * tu) + 2 * n_bar * tu;
    const S d0_bar = (a_bar + b_bar) * tu + n_bar * u * u, d1_bar = b_bar * tu + n_bar * t * t;
    const S t_bar =
        a_bar * (2 * s * t + q.d0 * turn) + b_bar * curve * turn + 2 * n_bar * (q.d1 * t + s * turn - q.d0 * u);
    h_bar += s_bar / w;
    const S x_bar = t_bar / w, w_bar = -(s_bar * s + t_bar * t) / w;
    shares_bar(widths_, -x_bar, w_bar, p_bar);
    shares_bar(heights_, y_bar, h_bar, p_bar + k_);
    std::fill_n(p_bar + 2 * k_, k_ - 1, S(0));
    if (bin_ > 0) p_bar[2 * k_ + bin_ - 1] = d0_bar * slope_by(p_[2 * k_ + bin_ - 1]);
    if (bin_ + 1 < k_) p_bar[2 * k_ + bin_] = d1_bar * slope_by(p_[2 * k_ + bin_]);
    return x_bar;
  }

 private:
  using Array = Eigen::Array<S, Eigen::Dynamic, 1>;
  static constexpr S kLeast = S(1e-3);  // width and height of a bin, as a share; slope

  S share_scale() const { return 1 - kLeast * static_cast<S>(k_); }

  void shares(const S* logits, Array& out) const {
    const auto in = Eigen::Map<const Array>(logits, k_);
    out = (in - in.maxCoeff()).exp();
    out = kLeast + out * (share_scale() / out.sum());
  }

  // Softplus, shifted so that 0 gives the slope 1.
  static S slope_of(S number) {
    const S shifted = number + S(0.539742417);  // log(exp(1 - kLeast) - 1)
    return kLeast + std::max(shifted, S(0)) + std::log1p(std::exp(-std::abs(shifted)));
  }
  static S slope_by(S number) { return 1 / (1 + std::exp(-(number + S(0.539742417)))); }

  // The bin of a value: of its widths for x, of its heights for y.
  void find(S value, const Array& along) {
    S x = 0, y = 0;
    const S part = (value + bound_) / (2 * bound_);
    S reached = 0;
    bin_ = 0;
    while (bin_ + 1 < k_ && part >= reached + along[bin_]) {
      reached += along[bin_];
      x += widths_[bin_], y += heights_[bin_];
      ++bin_;
    }
    piece_ = {2 * bound_ * x - bound_,
              2 * bound_ * y - bound_,
              2 * bound_ * widths_[bin_],
              2 * bound_ * heights_[bin_],
              bin_ > 0 ? slope_of(p_[2 * k_ + bin_ - 1]) : S(1),
              bin_ + 1 < k_ ? slope_of(p_[2 * k_ + bin_]) : S(1)};
  }

  // Of the start of the bin and of its size.
  void shares_bar(const Array& share, S start_bar, S size_bar, S* logits_bar) const {
    S mean = 0;
    for (Index j = 0; j < k_; ++j) {
      const S bar = 2 * bound_ * (j < bin_ ? start_bar : j == bin_ ? size_bar : S(0));
      logits_bar[j] = bar;
      mean += bar * (share[j] - kLeast);
    }
    mean /= share_scale();
    for (Index j = 0; j < k_; ++j) logits_bar[j] = (share[j] - kLeast) * (logits_bar[j] - mean);
  }

  Index k_, bin_ = 0;
  S bound_;
  Array widths_, heights_;
  RationalQuadratic<S> piece_{};
  const S* p_ = nullptr;
};

}  // namespace pathline

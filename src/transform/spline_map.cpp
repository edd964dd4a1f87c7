#include "transform/spline_map.hpp"

#include <algorithm>
#include <cmath>

#include "core/array_function.hpp"
#include "transform/rational_quadratic.hpp"

namespace pathline {

// The bin of each element, as arrays of columns * batch numbers: from (x0, y0) over width and height, with the slopes
// d0 and d1 at its knots. bin: -1 outside of the box.
template <class S> struct SplineMap<S>::Bins {
  Index size;
  S *bin, *x0, *y0, *width, *height, *d0, *d1;
  RationalQuadratic<S> operator[](Index i) const { return {x0[i], y0[i], width[i], height[i], d0[i], d1[i]}; }
};

template <class S> void SplineMap<S>::prepare(S* p) const {
  const Index groups = 2 * this->columns, rows = parameters();
  for (Index b = 0; b < this->batch; ++b) {
    S* first = p + b * rows;
    for (Index i = 0; i < groups; ++i) {
      S* a = first + i * bins_;
      S most = a[0];
      for (Index k = 1; k < bins_; ++k) most = std::max(most, a[k]);
      for (Index k = 0; k < bins_; ++k) a[k] -= most;
    }
    exp_in_place(groups * bins_, first);
    for (Index i = 0; i < groups; ++i) {
      S* a = first + i * bins_;
      S sum = 0;
      for (Index k = 0; k < bins_; ++k) sum += a[k];
      const S scale = 1 / sum;
      for (Index k = 0; k < bins_; ++k) a[k] *= scale;
    }
  }
}

// Finds the bin by x for points on the side of the base, and by y for those on the side of the data. NaN is outside.
template <class S> auto SplineMap<S>::locate(Direction direction, const S* x, const S* p, Workspace<S>& w) const
    -> Bins {
  const bool up = direction == Direction::base_to_data;
  const Index m = this->columns, n = m * this->batch;
  Bins out{n, w.take(n), w.take(n), w.take(n), w.take(n), w.take(n), w.take(n), w.take(n)};
  for (Index i = 0; i < n; ++i) {
    const Index b = i / m, j = i % m;
    const S *widths = p + b * parameters() + j * bins_, *heights = widths + m * bins_;
    const S* inner = p + b * parameters() + 2 * m * bins_ + j * (bins_ - 1);
    out.d0[i] = out.d1[i] = 0;
    if (!(std::abs(x[i]) < box_)) {
      out.bin[i] = -1, out.x0[i] = out.y0[i] = 0, out.width[i] = out.height[i] = 1;
      continue;
    }
    S x0 = -box_, y0 = -box_;
    Index k = 0;
    for (;; ++k) {
      out.width[i] = floor() + spread() * widths[k], out.height[i] = floor() + spread() * heights[k];
      if (k == bins_ - 1 || x[i] < (up ? x0 + out.width[i] : y0 + out.height[i])) break;
      x0 += out.width[i], y0 += out.height[i];
    }
    out.bin[i] = static_cast<S>(k), out.x0[i] = x0, out.y0[i] = y0;
    if (k > 0) out.d0[i] = inner[k - 1];
    if (k < bins_ - 1) out.d1[i] = inner[k];
  }
  static const S shift = static_cast<S>(std::log(std::expm1(1 - kLeast)));  // where the slope is 1
  softplus_in_place(n, out.d0, static_cast<S>(kLeast), shift);
  softplus_in_place(n, out.d1, static_cast<S>(kLeast), shift);
  return out;
}

template <class S>
void SplineMap<S>::apply(Direction direction, S* x, const S* p, S* log_slope, Workspace<S>& w) const {
  typename Workspace<S>::Frame frame(w);
  const bool up = direction == Direction::base_to_data;
  const auto at = locate(direction, x, p, w);
  for (Index i = 0; i < at.size; ++i) {
    const auto got = at[i].apply(up, x[i]);
    const bool inside = at.bin[i] >= 0;
    x[i] = inside ? got.to : x[i];
    log_slope[i] = inside ? got.slope : S(1);
  }
  log_in_place(at.size, log_slope);
}

template <class S> void SplineMap<S>::pullback(Direction direction, const S* base, const S* p, S* bar, const S* log_bar,
                                               S* p_bar, Workspace<S>& w) const {
  typename Workspace<S>::Frame frame(w);
  const bool up = direction == Direction::base_to_data;
  const Index m = this->columns;
  const auto at = locate(Direction::base_to_data, base, p, w);
  std::fill_n(p_bar, parameters() * this->batch, S(0));
  for (Index i = 0; i < at.size; ++i) {
    if (at.bin[i] < 0) continue;
    const auto got = at[i].pullback(up, base[i], bar[i], log_bar[i / m]);
    bar[i] = got.from;
    const Index b = i / m, j = i % m;
    const auto k = static_cast<Index>(at.bin[i]);
    const Index first = b * parameters() + j * bins_;
    const auto spread_to = [&](Index from, S start_bar, S size_bar) {  // adds the cotangents of the arguments of a softmax
      S mean = size_bar * p[from + k];
      for (Index l = 0; l < k; ++l) mean += start_bar * p[from + l];
      for (Index l = 0; l < bins_; ++l)
        p_bar[from + l] = spread() * p[from + l] * ((l < k ? start_bar : l == k ? size_bar : S(0)) - mean);
    };
    spread_to(first, got.x0, got.width);
    spread_to(first + m * bins_, got.y0, got.height);
    const auto sigmoid = [](S d) { return 1 - std::exp(static_cast<S>(kLeast) - d); };  // where softplus is d - m
    S* inner = p_bar + b * parameters() + 2 * m * bins_ + j * (bins_ - 1);
    if (k > 0) inner[k - 1] = got.d0 * sigmoid(at.d0[i]);
    if (k < bins_ - 1) inner[k] = got.d1 * sigmoid(at.d1[i]);
  }
}

template class SplineMap<float>;
template class SplineMap<double>;

}  // namespace pathline

// The monotone rational-quadratic function of one interval (Gregory & Delbourgo 1982; Durkan et al. 2019, eq. 4 to 8).
#pragma once

#include <algorithm>
#include <cmath>

namespace pathline {

// From x0 to x0 + width it rises from y0 to y0 + height, with the slopes d0 and d1 at the ends. All but x0 and y0 > 0.
template <class T> struct RationalQuadratic {
  T x0, y0, width, height, d0, d1;

  struct Value {
    T y, slope, bend;  // slope: dy/dx; bend: d log(slope)/dx
  };

  // 0 <= t <= 1: where x = x0 + t width.
  Value at(T t) const { return value(terms(t)); }

  // The t at which the function is y: the root of a quadratic equation without cancellation.
  T inverse(T y) const {
    const T s = height / width, r = y - y0, curve = d0 + d1 - 2 * s;
    const T a = height * (s - d0) + r * curve, b = height * d0 - r * curve, c = -s * r;
    const T root = std::sqrt(std::max(b * b - 4 * a * c, T(0)));
    return 2 * c / (-b - root);
  }

  struct Image {
    T to, slope;  // slope: dy/dx in either direction
  };

  // y at x or, if !up, the x at which the function is y.
  Image apply(bool up, T from) const {
    const T t = std::min(std::max(up ? (from - x0) / width : inverse(from), T(0)), T(1));
    const Value value = at(t);
    return {up ? value.y : x0 + t * width, value.slope};
  }

  // The cotangents of the numbers with the same names; from: that of the argument of apply().
  struct Cotangent {
    T from, x0, y0, width, height, d0, d1;
  };

  // x: where the function was applied, or what its inverse gave. to_bar: the cotangent of the image; log_bar: that of
  // log dy/dx. With num, s, above and below of Terms,
  //   y = y0 + height num / below,   log dy/dx = 2 log s + log above - 2 log below.
  // The inverse has y_bar = (x_bar + log_bar bend) / slope, and its parameters have those of y with -y_bar for y_bar.
  Cotangent pullback(bool up, T x, T to_bar, T log_bar) const {
    const Terms at_x = terms(std::min(std::max((x - x0) / width, T(0)), T(1)));
    const auto [t, u, tu, s, curve, num, below, above] = at_x;
    const T ratio = num / below;
    const Value of_x = value(at_x);
    const T y_bar = up ? to_bar : -(to_bar + log_bar * of_x.bend) / of_x.slope;
    const T num_bar = y_bar * height / below, above_bar = log_bar / above;
    const T below_bar = -num_bar * ratio - 2 * log_bar / below;
    const T s_bar = 2 * log_bar / s + num_bar * t * t + 2 * above_bar * tu + below_bar * (1 - 2 * tu);
    const T x_bar = y_bar * of_x.slope + log_bar * of_x.bend;
    return {.from = up ? x_bar : -y_bar,
            .x0 = -x_bar,
            .y0 = y_bar,
            .width = -s_bar * s / width - x_bar * t,
            .height = y_bar * ratio + s_bar / width,
            .d0 = num_bar * tu + above_bar * u * u + below_bar * tu,
            .d1 = above_bar * t * t + below_bar * tu};
  }

 private:
  // num = s t^2 + d0 t u, below = s + curve t u, above = d1 t^2 + 2 s t u + d0 u^2.
  struct Terms {
    T t, u, tu, s, curve, num, below, above;
  };
  Terms terms(T t) const {
    const T s = height / width, u = 1 - t, tu = t * u, curve = d0 + d1 - 2 * s;
    return {t, u, tu, s, curve, s * t * t + d0 * tu, s + curve * tu, d1 * t * t + 2 * s * tu + d0 * u * u};
  }
  Value value(const Terms& a) const {
    const T above_bar = 2 * (d1 * a.t + a.s * (a.u - a.t) - d0 * a.u), below_bar = a.curve * (a.u - a.t);
    return {y0 + height * a.num / a.below, a.s * a.s * a.above / (a.below * a.below),
            (above_bar / a.above - 2 * below_bar / a.below) / width};
  }
};

}  // namespace pathline

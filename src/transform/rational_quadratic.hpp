// The monotone rational-quadratic function of one interval (Gregory & Delbourgo 1982; Durkan et al. 2019, eq. 4 to 8).
#pragma once

#include <algorithm>
#include <cmath>

namespace pathline {

// From x0 to x0 + width it rises from y0 to y0 + height, with the slopes d0 and d1 at the ends. All but x0 and y0 > 0.
template <class T> struct RationalQuadratic {
  T x0, y0, width, height, d0, d1;

  struct Value {
    T y, slope, bend;  // of y by x; bend: d log(slope)/dx
  };

  // 0 <= t <= 1: where x = x0 + t width.
  Value at(T t) const {
    const T s = height / width, u = 1 - t, tu = t * u, curve = d0 + d1 - 2 * s;
    const T below = s + curve * tu, above = d1 * t * t + 2 * s * tu + d0 * u * u;
    const T above_bar = 2 * (d1 * t + s * (u - t) - d0 * u), below_bar = curve * (u - t);
    return {y0 + height * (s * t * t + d0 * tu) / below, s * s * above / (below * below),
            (above_bar / above - 2 * below_bar / below) / width};
  }

  // The t at which the function is y: the root of a quadratic equation without cancellation.
  T inverse(T y) const {
    const T s = height / width, r = y - y0, curve = d0 + d1 - 2 * s;
    const T a = height * (s - d0) + r * curve, b = height * d0 - r * curve, c = -s * r;
    const T root = std::sqrt(std::max(b * b - 4 * a * c, T(0)));
    return 2 * c / (-b - root);
  }
};

}  // namespace pathline

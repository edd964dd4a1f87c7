// The upper tail of the normal distribution, Q(z) = P(Z > z), by its logarithm: Q itself may be too small for a double.
#pragma once

#include <cmath>
#include <numbers>

namespace pathline {

// Q(z) / phi(z) > 0. Beyond z = 4 by its continued fraction (Abramowitz & Stegun 26.2.14), whose 60 terms agree with
// erfc there to 1e-15.
inline double mills_ratio(double z) {
  if (z < 4)
    return std::sqrt(std::numbers::pi / 2) * std::erfc(z / std::numbers::sqrt2) * std::exp(0.5 * z * z);
  double rest = z;
  for (int k = 60; k >= 1; --k) rest = z + k / rest;
  return 1 / rest;
}

inline double log_upper_normal(double z) {
  if (z < -4) return std::log1p(-0.5 * std::erfc(-z / std::numbers::sqrt2));
  return std::log(mills_ratio(z)) - 0.5 * z * z - 0.5 * std::log(2 * std::numbers::pi);
}

// The z at which log Q(z) = log_share < 0. Newton's method: log Q falls and is concave, so that every step ends above the
// root and the next is shorter.
inline double upper_normal_quantile(double log_share) {
  double z = log_share > -2 ? 0 : std::sqrt(-2 * log_share - std::log(-4 * std::numbers::pi * log_share));
  for (int step = 0; step < 100; ++step) {
    const double change = (log_upper_normal(z) - log_share) * mills_ratio(z);
    z += change;
    if (std::abs(change) <= 1e-14 * (1 + std::abs(z))) break;
  }
  return z;
}

}  // namespace pathline

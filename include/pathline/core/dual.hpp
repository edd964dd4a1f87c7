/// \file
/// A number with its derivatives in N directions, for functions written once as templates.
#pragma once

#include <array>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <limits>
#include <ostream>
#include <type_traits>

#include <Eigen/Core>

namespace pathline {

/// A dual number, x + sum_i tangent_i eps_i with eps_i eps_j = 0: the arithmetic of forward-mode differentiation
/// (Griewank & Walther 2008, section 3.1). T is a floating-point type, or another Dual for second derivatives. A number
/// without a Dual mixes with one and has zero tangents. Comparisons compare values.
///
/// Every operation returns a Dual, not an expression: `x > 0 ? x * y : z` and `auto a = x * y` are safe, as they are
/// not with Eigen's AutoDiffScalar, whose nested form also has no `2.0 * vector`, no pow of two variables, and a tanh
/// whose second derivative is NaN beyond 44 in float.
template <class T, int N> struct Dual {
  static constexpr auto kTangents = static_cast<std::size_t>(N);
  T value{};
  std::array<T, kTangents> tangent{};

  Dual() = default;
  template <class U>
  requires std::is_arithmetic_v<U> Dual(U constant) : value(static_cast<T>(constant)) {}
  Dual(const T& constant) requires(!std::is_arithmetic_v<T>) : value(constant) {}

  Dual& operator+=(const Dual& b) { return *this = *this + b; }
  Dual& operator-=(const Dual& b) { return *this = *this - b; }
  Dual& operator*=(const Dual& b) { return *this = *this * b; }
  Dual& operator/=(const Dual& b) { return *this = *this / b; }

  /// f(x), given f and its derivative at x.
  static Dual chain(const Dual& x, const T& f, const T& slope) {
    Dual y;
    y.value = f;
    for (std::size_t i = 0; i < kTangents; ++i) y.tangent[i] = slope * x.tangent[i];
    return y;
  }
  /// f(a, b), given f and its two partial derivatives there.
  static Dual chain(const Dual& a, const Dual& b, const T& f, const T& by_a, const T& by_b) {
    Dual y;
    y.value = f;
    for (std::size_t i = 0; i < kTangents; ++i) y.tangent[i] = by_a * a.tangent[i] + by_b * b.tangent[i];
    return y;
  }

  friend Dual operator+(const Dual& a) { return a; }
  friend Dual operator-(const Dual& a) {
    Dual y;
    y.value = -a.value;
    for (std::size_t i = 0; i < kTangents; ++i) y.tangent[i] = -a.tangent[i];
    return y;
  }
  friend Dual operator+(const Dual& a, const Dual& b) {
    Dual y;
    y.value = a.value + b.value;
    for (std::size_t i = 0; i < kTangents; ++i) y.tangent[i] = a.tangent[i] + b.tangent[i];
    return y;
  }
  friend Dual operator-(const Dual& a, const Dual& b) {
    Dual y;
    y.value = a.value - b.value;
    for (std::size_t i = 0; i < kTangents; ++i) y.tangent[i] = a.tangent[i] - b.tangent[i];
    return y;
  }
  friend Dual operator*(const Dual& a, const Dual& b) { return chain(a, b, a.value * b.value, b.value, a.value); }
  friend Dual operator/(const Dual& a, const Dual& b) {
    const T inverse = T(1) / b.value, f = a.value * inverse;
    return chain(a, b, f, inverse, -f * inverse);
  }

  friend bool operator==(const Dual& a, const Dual& b) { return a.value == b.value; }
  friend bool operator!=(const Dual& a, const Dual& b) { return a.value != b.value; }
  friend bool operator<(const Dual& a, const Dual& b) { return a.value < b.value; }
  friend bool operator<=(const Dual& a, const Dual& b) { return a.value <= b.value; }
  friend bool operator>(const Dual& a, const Dual& b) { return a.value > b.value; }
  friend bool operator>=(const Dual& a, const Dual& b) { return a.value >= b.value; }

  friend Dual exp(const Dual& x) {
    using std::exp;
    const T y = exp(x.value);
    return chain(x, y, y);
  }
  friend Dual expm1(const Dual& x) {
    using std::exp, std::expm1;
    return chain(x, expm1(x.value), exp(x.value));
  }
  friend Dual log(const Dual& x) {
    using std::log;
    return chain(x, log(x.value), T(1) / x.value);
  }
  friend Dual log1p(const Dual& x) {
    using std::log1p;
    return chain(x, log1p(x.value), T(1) / (T(1) + x.value));
  }
  friend Dual sqrt(const Dual& x) {
    using std::sqrt;
    const T y = sqrt(x.value);
    return chain(x, y, T(0.5) / y);
  }
  friend Dual sin(const Dual& x) {
    using std::cos, std::sin;
    return chain(x, sin(x.value), cos(x.value));
  }
  friend Dual cos(const Dual& x) {
    using std::cos, std::sin;
    return chain(x, cos(x.value), -sin(x.value));
  }
  friend Dual tan(const Dual& x) {
    using std::tan;
    const T y = tan(x.value);
    return chain(x, y, T(1) + y * y);
  }
  friend Dual asin(const Dual& x) {
    using std::asin, std::sqrt;
    return chain(x, asin(x.value), T(1) / sqrt(T(1) - x.value * x.value));
  }
  friend Dual acos(const Dual& x) {
    using std::acos, std::sqrt;
    return chain(x, acos(x.value), T(-1) / sqrt(T(1) - x.value * x.value));
  }
  friend Dual atan(const Dual& x) {
    using std::atan;
    return chain(x, atan(x.value), T(1) / (T(1) + x.value * x.value));
  }
  friend Dual sinh(const Dual& x) {
    using std::cosh, std::sinh;
    return chain(x, sinh(x.value), cosh(x.value));
  }
  friend Dual cosh(const Dual& x) {
    using std::cosh, std::sinh;
    return chain(x, cosh(x.value), sinh(x.value));
  }
  friend Dual tanh(const Dual& x) {
    using std::tanh;
    const T y = tanh(x.value);
    return chain(x, y, T(1) - y * y);
  }
  friend Dual erf(const Dual& x) {
    using std::erf, std::exp;
    return chain(x, erf(x.value), T(1.1283791670955126) * exp(-x.value * x.value));  // 2 / sqrt(pi)
  }
  /// The derivative at 0 is the one from the right.
  friend Dual abs(const Dual& x) { return x.value < T(0) ? -x : x; }
  friend Dual fabs(const Dual& x) { return abs(x); }
  friend Dual min(const Dual& a, const Dual& b) { return b.value < a.value ? b : a; }
  friend Dual max(const Dual& a, const Dual& b) { return a.value < b.value ? b : a; }
  friend Dual atan2(const Dual& y, const Dual& x) {
    using std::atan2;
    const T inverse = T(1) / (x.value * x.value + y.value * y.value);
    return chain(y, x, atan2(y.value, x.value), x.value * inverse, -y.value * inverse);
  }
  /// The power 0 is 1 whatever x, with derivative 0.
  template <class U>
  requires std::is_arithmetic_v<U>
  friend Dual pow(const Dual& x, U power) {
    using std::pow;
    if (power == U(0)) return Dual(1);
    const double p = static_cast<double>(power);
    if constexpr (std::is_arithmetic_v<T>)
      return chain(x, static_cast<T>(pow(x.value, p)), static_cast<T>(p * pow(x.value, p - 1)));
    else
      return chain(x, pow(x.value, p), T(p) * pow(x.value, p - 1));
  }
  /// The derivative by the power is taken as 0 where x <= 0.
  friend Dual pow(const Dual& x, const Dual& power) {
    using std::log, std::pow;
    const T y = pow(x.value, power.value);
    return chain(x, power, y, power.value * pow(x.value, power.value - T(1)),
                 x.value > T(0) ? T(y * log(x.value)) : T(0));
  }
  template <class U>
  requires std::is_arithmetic_v<U>
  friend Dual pow(U x, const Dual& power) { return pow(Dual(x), power); }

  friend bool isfinite(const Dual& x) {
    using std::isfinite;
    return isfinite(x.value);
  }
  friend bool isnan(const Dual& x) {
    using std::isnan;
    return isnan(x.value);
  }
  friend bool isinf(const Dual& x) {
    using std::isinf;
    return isinf(x.value);
  }
  friend std::ostream& operator<<(std::ostream& out, const Dual& x) { return out << x.value; }

  /// A constant operand saves products.
  template <class U>
  requires std::is_arithmetic_v<U>
  friend Dual operator*(const Dual& a, U b) { return chain(a, a.value * static_cast<T>(b), static_cast<T>(b)); }
  template <class U>
  requires std::is_arithmetic_v<U>
  friend Dual operator*(U a, const Dual& b) { return b * a; }
  template <class U>
  requires std::is_arithmetic_v<U>
  friend Dual operator/(const Dual& a, U b) { return chain(a, a.value / static_cast<T>(b), T(1) / static_cast<T>(b)); }
};

}  // namespace pathline

namespace Eigen {

/// Matrices of dual numbers, and products of one with plain numbers.
template <class T, int N> struct NumTraits<pathline::Dual<T, N>> {
  using Real = pathline::Dual<T, N>;
  using NonInteger = Real;
  using Nested = Real;
  using Literal = Real;
  enum {
    IsComplex = 0,
    IsInteger = 0,
    IsSigned = 1,
    RequireInitialization = 1,
    ReadCost = NumTraits<T>::ReadCost * (1 + N),
    AddCost = NumTraits<T>::AddCost * (1 + N),
    MulCost = NumTraits<T>::MulCost * (1 + 2 * N)
  };
  static Real epsilon() { return Real(NumTraits<T>::epsilon()); }
  static Real dummy_precision() { return Real(NumTraits<T>::dummy_precision()); }
  static Real highest() { return Real(NumTraits<T>::highest()); }
  static Real lowest() { return Real(NumTraits<T>::lowest()); }
  static int digits10() { return NumTraits<T>::digits10(); }
};

template <class T, int N, class U, class Operation>
requires std::is_arithmetic_v<U>
struct ScalarBinaryOpTraits<pathline::Dual<T, N>, U, Operation> {
  using ReturnType = pathline::Dual<T, N>;
};
template <class T, int N, class U, class Operation>
requires std::is_arithmetic_v<U>
struct ScalarBinaryOpTraits<U, pathline::Dual<T, N>, Operation> {
  using ReturnType = pathline::Dual<T, N>;
};

}  // namespace Eigen

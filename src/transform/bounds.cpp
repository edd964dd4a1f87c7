#include "pathline/transform/bounds.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "pathline/core/error.hpp"

namespace pathline {
namespace {

constexpr double kUnbounded = std::numeric_limits<double>::infinity();

// One transformed value, with the slope dx/dy and the derivative of log dy/dx by y for the pullback.
struct Moved {
  double to = 0, log_det = 0, slope = 1, bend = 0;
};

Moved toward_base(double x, double low, double high, double inset) {
  if (x == low && std::isfinite(low)) x = low + inset;
  if (x == high && std::isfinite(high)) x = high - inset;
  if (!(x > low && x < high)) {
    const bool unbounded = low == -kUnbounded && high == kUnbounded;  // x is not finite and stays as it is
    return unbounded ? Moved{.to = x} : Moved{.log_det = std::isnan(x) ? x : -kUnbounded};
  }
  const double below = x - low, above = high - x;
  if (high == kUnbounded)
    return low == -kUnbounded ? Moved{.to = x} : Moved{std::log(below), -std::log(below), below, -1};
  if (low == -kUnbounded) return {-std::log(above), -std::log(above), above, 1};
  const double width = high - low;
  return {std::log(below / above), std::log(width) - std::log(below) - std::log(above), below * above / width,
          (below - above) / width};
}

Moved toward_data(double y, double low, double high) {
  if (low == -kUnbounded && high == kUnbounded) return {.to = y};
  if (high == kUnbounded) {
    const double below = std::exp(y);
    return {low + below, y, below, -1};
  }
  if (low == -kUnbounded) {
    const double above = std::exp(-y);
    return {high - above, -y, above, 1};
  }
  const double width = high - low, size = std::abs(y), t = 1 / (1 + std::exp(-size));  // t is the share of the farther bound
  const double rest = std::exp(-size) * t;                                             // 1 - t, without cancellation
  return {y > 0 ? high - width * rest : low + width * rest, std::log(width) - size - 2 * std::log1p(std::exp(-size)),
          width * t * rest, y > 0 ? t - rest : rest - t};
}

// Returns the nearest number strictly inside the bounds, for a value that rounding brought to a bound.
double inside(double x, double low, double high) {
  return std::isnan(x) ? x : std::min(std::max(x, std::nextafter(low, kUnbounded)), std::nextafter(high, -kUnbounded));
}

template <class S> struct BoundsTape final : TransformTape<S> {
  Matrix<double> slope, bend;  // d x B
};

}  // namespace

template <class S> Bounds<S>::Bounds(Vector<double> low, Vector<double> high, Vector<double> inset)
    : Transform<S>(low.size()), low_(std::move(low)), high_(std::move(high)), inset_(std::move(inset)) {
  if (inset_.size() == 0) inset_ = Vector<double>::Zero(low_.size());
  if (high_.size() != low_.size() || inset_.size() != low_.size())
    throw InputError("bounds: expected a lower bound, an upper bound and an inset for each column");
  for (Index i = 0; i < low_.size(); ++i) {
    if (!(low_(i) < high_(i)))
      throw InputError(
          fmt::format("bounds of column {}: {}:{}: the lower must be below the upper", i + 1, low_(i), high_(i)));
    if (!(inset_(i) >= 0 && low_(i) + inset_(i) < high_(i) - inset_(i)))
      throw InputError(fmt::format("bounds of column {}: inset = {}: must be >= 0 and less than half of the width",
                                   i + 1, inset_(i)));
  }
}

template <class S> SolveReport Bounds<S>::apply(Direction direction, MatrixRef<S> z, RowVector<double>* log_det,
                                                const TransformContext<S>&, TransformTape<S>* to) const {
  auto* tape = static_cast<BoundsTape<S>*>(to);
  if (tape) tape->slope.resize(z.rows(), z.cols()), tape->bend.resize(z.rows(), z.cols());
  double sum = 0;
  for (Index b = 0; b < z.cols(); ++b) {
    double change = 0;
    for (Index i = 0; i < z.rows(); ++i) {
      const double from = static_cast<double>(z(i, b));
      const bool to_base = direction == Direction::data_to_base;
      const Moved moved =
          to_base ? toward_base(from, low_(i), high_(i), inset_(i)) : toward_data(from, low_(i), high_(i));
      const bool bounded = low_(i) > -kUnbounded || high_(i) < kUnbounded;
      z(i, b) = static_cast<S>(to_base || !bounded ? moved.to : inside(moved.to, low_(i), high_(i)));
      change += moved.log_det;
      if (tape) tape->slope(i, b) = moved.slope, tape->bend(i, b) = moved.bend;
    }
    if (log_det) (*log_det)(b) += change;
    sum += change;
  }
  if (tape) tape->log_det = log_det ? sum : std::nan("");
  return Transform<S>::done();
}

template <class S> std::unique_ptr<TransformTape<S>> Bounds<S>::make_tape() const {
  return std::make_unique<BoundsTape<S>>();
}

// With s = dx/dy and b = s d(log dy/dx)/dx, the pullback of the way to the base is x_bar = (y_bar + w b) / s. For the
// way to the data, whose log|det| is -log dy/dx, it is y_bar = x_bar s - w b.
template <class S> SolveReport Bounds<S>::pullback(Direction direction, const TransformTape<S>& from,
                                                   TransformCotangent<S> to, const TransformContext<S>&) const {
  const auto& tape = static_cast<const BoundsTape<S>&>(from);
  for (Index b = 0; b < to.z.cols(); ++b)
    for (Index i = 0; i < to.z.rows(); ++i) {
      const double bar = static_cast<double>(to.z(i, b)), bent = to.log_det(b) * tape.bend(i, b);
      to.z(i, b) = static_cast<S>(direction == Direction::data_to_base ? (bar + bent) / tape.slope(i, b)
                                                                       : bar * tape.slope(i, b) - bent);
    }
  return Transform<S>::done();
}

template <class S> void Bounds<S>::to_base(Matrix<double>& x) const {
  for (Index b = 0; b < x.cols(); ++b)
    for (Index i = 0; i < x.rows(); ++i) x(i, b) = toward_base(x(i, b), low_(i), high_(i), inset_(i)).to;
}

template <class S> std::vector<bool> Bounds<S>::contains(ConstMatrixRef<double> x) const {
  std::vector<bool> out;
  for (Index b = 0; b < x.cols(); ++b)
    out.push_back((x.col(b).array() > low_.array()).all() && (x.col(b).array() < high_.array()).all());
  return out;
}

template class Bounds<float>;
template class Bounds<double>;

}  // namespace pathline

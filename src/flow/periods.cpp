#include "pathline/flow/periods.hpp"

#include <cmath>
#include <numbers>
#include <utility>

#include <fmt/format.h>

#include "pathline/core/error.hpp"

namespace pathline {
namespace {

constexpr int kMostColumns = 12;  // 4096 images

double folded(double x, double start, double length) {
  const double y = x - std::floor((x - start) / length) * length;
  return y >= start + length || y < start ? start : y;  // after rounding
}

// The probability w of the image that lies u periods above the lower bound: see Periods.
double window(double u) {
  const double phase = std::numbers::pi * u;
  if (u < 0.5) return std::pow(std::sin(phase), 2);
  return u <= 1 ? 1 : u < 1.5 ? std::pow(std::cos(phase), 2) : 0;
}

}  // namespace

Periods::Periods(Vector<double> start, Vector<double> length, const Bounds<double>& bounds)
    : start_(std::move(start)), length_(std::move(length)), low_(bounds.low()), high_(bounds.high()) {
  if (start_.size() != low_.size() || length_.size() != low_.size())
    throw InputError("periods: expected a start and a length for each column");
  int count = 0;
  for (Index i = 0; i < length_.size(); ++i) {
    if (!(length_(i) >= 0 && std::isfinite(length_(i)) && std::isfinite(start_(i))))
      throw InputError(
          fmt::format("period of column {}: {} from {}: must be finite and >= 0", i + 1, length_(i), start_(i)));
    if (length_(i) == 0) continue;
    ++count;
    if (const double width = high_(i) - low_(i); !(width > length_(i) && width <= 2 * length_(i)))
      throw InputError(
          fmt::format("period of column {}: {}: its bounds must be between one and two periods apart, not "
                      "{}",
                      i + 1, length_(i), width));
  }
  if (count > kMostColumns) throw InputError(fmt::format("period: at most {} columns can be periodic", kMostColumns));
}

void Periods::fold(Matrix<double>& x) const {
  for (Index b = 0; b < x.cols(); ++b)
    for (Index i = 0; i < x.rows(); ++i)
      if (length_(i) > 0) x(i, b) = folded(x(i, b), start_(i), length_(i));
}

void Periods::fold_to_centre(Matrix<double>& x) const {
  for (Index b = 0; b < x.cols(); ++b)
    for (Index i = 0; i < x.rows(); ++i)
      if (length_(i) > 0) x(i, b) = folded(x(i, b), (low_(i) + high_(i) - length_(i)) / 2, length_(i));
}

// The second image of x, which lies in the middle period, within the bounds; NaN if there is none.
double Periods::other_image(double x, Index i) const {
  if (x + length_(i) < high_(i)) return x + length_(i);
  return x - length_(i) > low_(i) ? x - length_(i) : std::nan("");
}

void Periods::unfold(Matrix<double>& x, ConstMatrixRef<double> u) const {
  fold_to_centre(x);
  for (Index b = 0; b < x.cols(); ++b)
    for (Index i = 0; i < x.rows(); ++i)
      if (length_(i) > 0 && u(i, b) >= window((x(i, b) - low_(i)) / length_(i)))
        if (const double other = other_image(x(i, b), i); !std::isnan(other)) x(i, b) = other;
}

std::vector<Periods::Image> Periods::images(ConstMatrixRef<double> x) const {
  std::vector<Image> out(1);
  out[0].x = x;
  fold_to_centre(out[0].x);
  for (Index b = 0; b < x.cols(); ++b) out[0].points.push_back(b);
  for (Index i = 0; i < x.rows(); ++i) {
    if (length_(i) == 0) continue;
    const std::size_t before = out.size();
    for (std::size_t k = 0; k < before; ++k) {
      Image moved;
      std::vector<Index> have;
      for (Index b = 0; b < out[k].x.cols(); ++b)
        if (!std::isnan(other_image(out[k].x(i, b), i)))
          have.push_back(b), moved.points.push_back(out[k].points[static_cast<std::size_t>(b)]);
      if (have.empty()) continue;
      moved.x = out[k].x(Eigen::all, have);
      for (double& v : moved.x.row(i)) v = other_image(v, i);
      out.push_back(std::move(moved));
    }
  }
  return out;
}

}  // namespace pathline

// The bounds and the periods of training data.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "core/name_list.hpp"
#include "pathline/core/error.hpp"
#include "pathline/core/nearest.hpp"
#include "pathline/train/training_data.hpp"

namespace pathline {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// The number of values that lie exactly on a bound of their column, and the least distance of the others to a bound.
struct OnBounds {
  Index count = 0, rows = 0;
  double nearest = kInfinity;

  void add(ConstMatrixRef<double> x, Index column, double low, double high) {
    rows += x.cols();
    for (const double v : x.row(column)) {
      if (v == low || v == high)
        ++count;
      else if (v > low && v < high)
        nearest = std::min({nearest, v - low, high - v});
    }
  }
};

// The start of the period. A note tells how many values are moved into it.
double start_of_period(const ColumnPeriod& period, const RowVector<double>& x, std::vector<std::string>& notes) {
  const double length = period.length, low = x.minCoeff(), high = x.maxCoeff();
  const bool symmetric = low < 0 && low >= -length / 2 && high <= length / 2;
  const double start = period.start ? *period.start : symmetric ? -length / 2 : 0;
  const Index outside = (x.array() < start || x.array() > start + length).count();
  if (outside > 0)
    notes.push_back(
        fmt::format("{} of {} training values of column {} lie outside of one period [{:g}, {:g}) and are "
                    "moved into it; check the unit of the period",
                    outside, x.size(), period.column, start, start + length));
  return start;
}

// The centre of the bounds for which the fewest values have two images: where the mean of 4 w (1 - w) is least. It is
// cos^2(2 pi (v - centre) / P) for the values farther than a quarter of a period from the centre, and 0 for the others.
double best_centre(const RowVector<double>& x, double length) {
  constexpr int kCandidates = 64;
  double best = 0, least = kInfinity;
  for (int k = 0; k < kCandidates; ++k) {
    const double centre = length * k / kCandidates;
    double sum = 0;
    for (const double v : x) {
      const double cosine = std::cos(2 * std::numbers::pi * (v - centre) / length);
      if (cosine < 0) sum += cosine * cosine;
    }
    if (sum < least) least = sum, best = centre;
  }
  return best;
}

}  // namespace

// The index of a modelled column that is named in the options.
Index TrainingData::bounded_column(const char* key, const std::string& name) const {
  const Index i = find_column(name, columns_, dim());
  if (i >= 0) return i;
  if (contains(condition_columns_, name))
    throw InputError(
        fmt::format("{}: column '{}' is a condition; only columns to model have bounds and periods", key, name));
  throw InputError(fmt::format("{}: {} has no column '{}' to model{}", key, options_.name, name,
                               did_you_mean_column(name, columns_)));
}

// A value at a bound is a rounded one: its inset is half of the distance of the nearest other training value.
void TrainingData::set_bounds(const Matrix<double>& training) {
  Vector<double> low = Vector<double>::Constant(dim(), -kInfinity), high = -low, inset = Vector<double>::Zero(dim());
  for (const auto& bounds : options_.bounds) {
    const Index i = bounded_column("bounds", bounds.column);
    low(i) = bounds.low, high(i) = bounds.high + noise_(i);
    if (noise_(i) > 0) continue;
    OnBounds trained, all;
    trained.add(training, i, low(i), high(i));
    for (const Matrix<double>& part : {training, split(source_->validation()).x, split(source_->test()).x})
      all.add(part, i, low(i), high(i));
    if (all.count == 0) continue;
    if (!std::isfinite(trained.nearest))
      throw InputError(
          fmt::format("bounds: all values of column {} are its bounds, where there is no density", bounds.column));
    inset(i) = trained.nearest / 2;
    notes_.push_back(fmt::format(
        "{}: {} of {} values of column {} lie exactly on a bound; they are taken as {:.3g} inside it (half of the "
        "distance of the nearest other value){}",
        options_.name, all.count, all.rows, bounds.column, inset(i),
        20 * all.count > all.rows ? "; so many are a point mass, which has no density: consider leaving them out"
                                  : ""));
  }
  bounds_.emplace(std::move(low), std::move(high), std::move(inset));
}

// A periodic column gets bounds one and a half periods apart, in which it is unfolded.
void TrainingData::set_periods(const Matrix<double>& training) {
  Vector<double> low = bounds_->low(), high = bounds_->high(), start = Vector<double>::Zero(dim()), length = start;
  for (const auto& period : options_.period) {
    const Index i = bounded_column("period", period.column);
    if (std::isfinite(low(i)) || std::isfinite(high(i)))
      throw InputError(fmt::format("period: column {} has bounds; a periodic column has none", period.column));
    start(i) = start_of_period(period, training.row(i), notes_), length(i) = period.length;
    const double centre = best_centre(training.row(i), period.length);
    low(i) = centre - Periods::kWidth / 2 * period.length, high(i) = centre + Periods::kWidth / 2 * period.length;
  }
  Vector<double> inset = bounds_->inset();  // a copy: emplace() destroys the old bounds first
  bounds_.emplace(std::move(low), std::move(high), std::move(inset));
  periods_.emplace(std::move(start), std::move(length), *bounds_);
}

void TrainingData::check_inside(const Matrix<double>& x) const {
  for (Index i = 0; i < x.rows(); ++i) {
    if (periods_ && periods_->length()(i) > 0) continue;
    for (const double v : x.row(i))
      if (const double low = bounds_->low()(i), high = bounds_->high()(i) - noise_(i); !(v >= low && v <= high))
        throw InputError(fmt::format("bounds: column {}: {} is outside of {}:{}", columns_[static_cast<std::size_t>(i)],
                                     v, low, high));
  }
}

}  // namespace pathline

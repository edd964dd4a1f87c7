#include "app/smooth_density.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

namespace pathline::plot {
namespace {

constexpr double kPi = std::numbers::pi;
constexpr Index kBins = 256;         // in which the bandwidth is found
constexpr double kReach = 3.5;       // standard deviations of the kernel that are summed
constexpr double kLeastWidth = 0.7;  // cells: a narrower kernel would leave the pattern of the cells visible

double weight_of(const RowVector<double>& weights, Index i) { return weights.size() > 0 ? weights(i) : 1; }

// The cell of a value, or a negative number outside of the range.
Index cell_of(double value, const Range& range, Index cells) {
  const double place = (value - range.low) / (range.high - range.low) * static_cast<double>(cells);
  return place >= 0 && place < static_cast<double>(cells) ? static_cast<Index>(place)
         : value == range.high                            ? cells - 1
                                                          : -1;
}

Vector<double> histogram(const SampleColumn& column, const RowVector<double>& weights, Index cells) {
  Vector<double> out = Vector<double>::Zero(cells);
  for (Index i = 0; i < column.values.size(); ++i)
    if (const Index at = cell_of(column.values(i), column.range, cells); at >= 0) out(at) += weight_of(weights, i);
  const double sum = out.sum();
  return sum > 0 ? Vector<double>(out / sum) : out;
}

// Kish's effective number of samples, (sum w)^2 / sum w^2.
double effective_number(const SampleColumn& column, const RowVector<double>& weights) {
  if (weights.size() == 0) return static_cast<double>(column.values.size());
  const double squares = weights.squaredNorm();
  return squares > 0 ? weights.sum() * weights.sum() / squares : 0;
}

// The squared coefficients of the cosine series of the histogram, from frequency 1 on.
Vector<double> cosine_power(const Vector<double>& bins) {
  const auto n = static_cast<double>(bins.size());
  Vector<double> out(bins.size() - 1);
  for (Index k = 1; k < bins.size(); ++k) {
    double sum = 0;
    for (Index i = 0; i < bins.size(); ++i)
      sum += bins(i) * std::cos(kPi * static_cast<double>(k) * (static_cast<double>(i) + 0.5) / n);
    out(k - 1) = sum * sum;
  }
  return out;
}

// |f^(s)|^2 of the density smoothed for the time t, in units of the range.
double roughness(const Vector<double>& power, int s, double t) {
  double sum = 0;
  for (Index k = 0; k < power.size(); ++k) {
    const double square = static_cast<double>((k + 1) * (k + 1));
    sum += std::pow(square, s) * power(k) * std::exp(-square * kPi * kPi * t);
  }
  return 2 * std::pow(kPi, 2 * s) * sum;
}

// t - xi gamma^[5](t), whose root is the squared bandwidth (Botev et al. 2010, algorithm 1).
double excess_time(const Vector<double>& power, double n, double t) {
  double norm = roughness(power, 7, t);
  for (int s = 6; s >= 2; --s) {
    double odd = 1;
    for (int k = 1; k <= 2 * s - 1; k += 2) odd *= k;
    const double factor = (1 + std::pow(0.5, s + 0.5)) / 3;
    const double time = std::pow(2 * factor * odd / (std::sqrt(2 * kPi) * n * norm), 2.0 / (3 + 2 * s));
    norm = roughness(power, s, time);
  }
  return t - std::pow(2 * n * std::sqrt(kPi) * norm, -0.4);
}

// Spreads equal values evenly over the step of the rounding, if half of the values or more occur twice, so that the
// roughness of the density is not that of the rounding.
SampleColumn unrounded(SampleColumn column) {
  std::vector<Index> order;
  for (Index i = 0; i < column.values.size(); ++i)
    if (std::isfinite(column.values(i))) order.push_back(i);
  const auto value = [&](std::size_t k) { return column.values(order[k]); };
  std::sort(order.begin(), order.end(), [&](Index a, Index b) { return column.values(a) < column.values(b); });
  std::size_t distinct = order.empty() ? 0 : 1;
  double step = std::numeric_limits<double>::infinity();
  for (std::size_t k = 1; k < order.size(); ++k)
    if (const double gap = value(k) - value(k - 1); gap > 0) ++distinct, step = std::min(step, gap);
  if (2 * distinct > order.size() || !std::isfinite(step)) return column;
  RowVector<double> spread = column.values;
  for (std::size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    while (end < order.size() && value(end) == value(begin)) ++end;
    for (std::size_t k = begin; k < end; ++k)
      spread(order[k]) += step * ((static_cast<double>(k - begin) + 0.5) / static_cast<double>(end - begin) - 0.5);
  }
  column.values = std::move(spread);
  return column;
}

// The rule of thumb 0.9 min(sigma, IQR / 1.34) n^(-1/5), from the bins.
double rule_of_thumb(const Vector<double>& bins, double n) {
  double mean = 0, square = 0, below = 0, low = 0, high = 0;
  for (Index i = 0; i < bins.size(); ++i) {
    const double x = (static_cast<double>(i) + 0.5) / static_cast<double>(bins.size());
    mean += bins(i) * x, square += bins(i) * x * x;
    if (below < 0.25) low = x;
    if (below < 0.75) high = x;
    below += bins(i);
  }
  const double sigma = std::sqrt(std::max(0.0, square - mean * mean)), quartiles = (high - low) / 1.34;
  return 0.9 * (quartiles > 0 ? std::min(sigma, quartiles) : sigma) * std::pow(std::max(n, 1.0), -0.2);
}

// The smallest root by steps of a tenth of a decade, then by bisection; 0 if there is none.
double smallest_root(const Vector<double>& power, double n) {
  double low = 1e-8, value = excess_time(power, n, low);
  for (double high = low * 1.26; high < 0.1; low = high, high *= 1.26) {
    const double next = excess_time(power, n, high);
    if (value < 0 && next >= 0) {
      for (int k = 0; k < 40; ++k) {
        const double middle = 0.5 * (low + high);
        (excess_time(power, n, middle) < 0 ? low : high) = middle;
      }
      return high;
    }
    value = next;
  }
  return 0;
}

// A kernel of one dimension, at whole cells from the middle.
Vector<double> kernel_of(double width) {
  const auto reach = static_cast<Index>(std::ceil(kReach * width));
  Vector<double> out(2 * reach + 1);
  for (Index k = -reach; k <= reach; ++k) out(k + reach) = std::exp(-0.5 * std::pow(static_cast<double>(k) / width, 2));
  return out / out.sum();
}

// The cell in which an element of a kernel lands, given the ends of the range; -1 if there is none.
Index landing(Index i, Index cells, Ends ends) {
  if (i >= 0 && i < cells) return i;
  return ends == Ends::periodic ? ((i % cells) + cells) % cells : -1;
}

double width_in_cells(const SampleColumn& column, double width, Index cells) {
  const double length = column.range.high - column.range.low, n = static_cast<double>(cells);
  if (column.discrete) width = std::min(width, 0.35);
  return std::clamp(width / length * n, kLeastWidth, n / 8);
}

Vector<double> smoothed(const Vector<double>& bins, const Vector<double>& kernel, Ends ends) {
  Vector<double> out = Vector<double>::Zero(bins.size());
  const Index reach = kernel.size() / 2;
  for (Index i = 0; i < bins.size(); ++i)
    for (Index k = -reach; bins(i) > 0 && k <= reach; ++k)
      if (const Index at = landing(i + k, bins.size(), ends); at >= 0) out(at) += bins(i) * kernel(k + reach);
  return out;
}

// The part of a kernel at each cell that lies share_inside of the bounds.
Vector<double> share_inside(Index cells, double width, Ends ends) {
  return ends == Ends::bounded ? smoothed(Vector<double>::Ones(cells), kernel_of(width), ends)
                               : Vector<double>::Ones(cells);
}

double correlation(const SampleColumn& x, const SampleColumn& y, const RowVector<double>& weights) {
  double n = 0, mx = 0, my = 0;
  std::array<double, 3> square{};
  for (int pass = 0; pass < 2; ++pass) {
    if (pass == 1 && !(n > 0)) return 0;
    if (pass == 1) mx /= n, my /= n;
    for (Index i = 0; i < x.values.size(); ++i) {
      if (cell_of(x.values(i), x.range, 1) < 0 || cell_of(y.values(i), y.range, 1) < 0) continue;
      const double w = weight_of(weights, i), a = x.values(i), b = y.values(i);
      if (pass == 0)
        n += w, mx += w * a, my += w * b;
      else
        square[0] += w * (a - mx) * (a - mx), square[1] += w * (a - mx) * (b - my),
            square[2] += w * (b - my) * (b - my);
    }
  }
  const double scale = std::sqrt(square[0] * square[2]);
  return scale > 0 ? std::clamp(square[1] / scale, -0.95, 0.95) : 0;
}

struct Tap {
  Index i, j;
  double weight;
};

std::vector<Tap> taps_of(double wx, double wy, double rho) {
  std::vector<Tap> out;
  double sum = 0;
  const auto rx = static_cast<Index>(std::ceil(kReach * wx)), ry = static_cast<Index>(std::ceil(kReach * wy));
  for (Index j = -ry; j <= ry; ++j)
    for (Index i = -rx; i <= rx; ++i) {
      const double u = static_cast<double>(i) / wx, v = static_cast<double>(j) / wy;
      const double square = (u * u - 2 * rho * u * v + v * v) / (1 - rho * rho);
      if (square > kReach * kReach) continue;
      out.push_back({i, j, std::exp(-0.5 * square)});
      sum += out.back().weight;
    }
  for (auto& tap : out) tap.weight /= sum;
  return out;
}

// Smooths all bins with one kernel. The part of it that lies outside of a bound is returned to the inside.
Matrix<double> smoothed(const Matrix<double>& bins, Ends x_ends, Ends y_ends, double wx, double wy, double rho) {
  const auto taps = taps_of(wx, wy, rho);
  const Index nx = bins.rows(), ny = bins.cols();
  Matrix<double> out = Matrix<double>::Zero(nx, ny);
  for (Index j = 0; j < ny; ++j)
    for (Index i = 0; i < nx; ++i) {
      if (!(bins(i, j) > 0)) continue;
      for (const auto& tap : taps) {
        const Index at_i = landing(i + tap.i, nx, x_ends), at_j = landing(j + tap.j, ny, y_ends);
        if (at_i >= 0 && at_j >= 0) out(at_i, at_j) += bins(i, j) * tap.weight;
      }
    }
  return out.cwiseQuotient(share_inside(nx, wx, x_ends) * share_inside(ny, wy, y_ends).transpose());
}

// The geometric mean of the density over the samples, for a mass of 1 in cells of area 1; 0 without samples.
double geometric_mean(const Eigen::Ref<const Matrix<double>>& bins, const Eigen::Ref<const Matrix<double>>& pilot) {
  double logarithm = 0, mass = 0;
  for (Index i = 0; i < bins.size(); ++i)
    if (bins.data()[i] > 0 && pilot.data()[i] > 0)
      logarithm += bins.data()[i] * std::log(pilot.data()[i]), mass += bins.data()[i];
  return mass > 0 ? std::exp(logarithm / mass) / pilot.sum() : 0;
}

// Half of the rule of thumb for a normal distribution of the same entropy. Sharp edges or peaks make the best width so
// small that the flat parts of the density would show the noise of the samples. Widths are in units of the range.
double least_width(const Vector<double>& bins, double own, Ends ends, double n) {
  const auto cells = static_cast<double>(bins.size());
  const Vector<double> pilot = smoothed(bins, kernel_of(std::clamp(own * cells, kLeastWidth, cells / 8)), ends);
  const double mean = cells * geometric_mean(bins, pilot);
  return mean > 0 ? 0.45 / (std::sqrt(2 * kPi * std::numbers::e) * mean) * std::pow(std::max(n, 1.0), -0.2) : 0;
}

struct Widths {
  double x, y;  // cells
};

// Widths whose product is not below that of Scott's rule for n samples of a normal distribution of the same entropy,
// -log(mean). Where a column has sharp peaks its own width is small, and a kernel between the peaks would hold so few
// samples that a contour shows each of them. The width that is the smaller fraction of its `rule` of thumb is raised first.
Widths widened(Widths own, const Widths& rule, double mean, double n, double rho) {
  static constexpr double kMost = 9;  // times the product
  if (!(mean > 0)) return own;
  const double sigmas = 1 / (2 * kPi * std::numbers::e * mean);
  const double product = sigmas * std::pow(std::max(n, 1.0), -1.0 / 3);
  const double factor = std::clamp(product / (own.x * own.y * std::sqrt(1 - rho * rho)), 1.0, kMost);
  const double ratio = (own.y / rule.y) / (own.x / rule.x);  // above 1 where x is the narrower
  const double first = std::min(factor, std::max(ratio, 1 / ratio)), both = std::sqrt(factor / first);
  return {own.x * both * (ratio > 1 ? first : 1), own.y * both * (ratio > 1 ? 1 : first)};
}

// The first of the increasing levels that is not below sqrt(mean / density), or the last. The width of a kernel goes
// with the root of the inverse density (Abramson 1982), relative to the geometric mean over the samples.
template <std::size_t N> std::size_t level_of(const std::array<double, N>& levels, double mean, double density) {
  return static_cast<std::size_t>(std::lower_bound(levels.begin(), levels.end() - 1, std::sqrt(mean / density)) -
                                  levels.begin());
}

// Wider kernels where the density is low and, in a column, narrower ones at peaks of more than twice the mean.
Vector<double> smoothed_adaptively(const Vector<double>& bins, Ends ends, double width) {
  static constexpr std::array<double, 9> kLevels{0.25, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0};
  const auto n = static_cast<double>(bins.size());
  const Vector<double> pilot =
      smoothed(bins, kernel_of(width), ends).cwiseQuotient(share_inside(bins.size(), width, ends));
  const double mean = geometric_mean(bins, pilot) * pilot.sum();
  if (!(mean > 0)) return pilot;
  std::array<Vector<double>, kLevels.size()> parts;
  parts.fill(Vector<double>::Zero(bins.size()));
  for (Index i = 0; i < bins.size(); ++i) {
    if (!(bins(i) > 0)) continue;
    const double ratio = pilot(i) / mean, density = std::max(std::min(ratio, 1.0), ratio - 1);
    parts[level_of(kLevels, 1 / std::numbers::sqrt2, density)](i) = bins(i);  // the nearest level
  }
  Vector<double> out = Vector<double>::Zero(bins.size());
  for (std::size_t k = 0; k < kLevels.size(); ++k) {
    if (!(parts[k].maxCoeff() > 0)) continue;
    const double w = std::clamp(kLevels[k] * width, kLeastWidth, n / 8);
    out += smoothed(parts[k], kernel_of(w), ends).cwiseQuotient(share_inside(bins.size(), w, ends));
  }
  return out;
}

// Wider kernels where the density is low.
Matrix<double> smoothed_adaptively(const Matrix<double>& bins, const Matrix<double>& pilot, double mean, Ends x_ends,
                                   Ends y_ends, double wx, double wy, double rho) {
  static constexpr std::array<double, 7> kLevels{0.8, 1.0, 1.3, 1.7, 2.2, 2.9, 3.8};
  mean *= pilot.sum();
  if (!(mean > 0)) return pilot;
  std::array<Matrix<double>, kLevels.size()> parts;
  parts.fill(Matrix<double>::Zero(bins.rows(), bins.cols()));
  for (Index i = 0; i < bins.size(); ++i) {
    if (!(bins.data()[i] > 0)) continue;
    parts[level_of(kLevels, mean, pilot.data()[i])].data()[i] = bins.data()[i];
  }
  Matrix<double> out = Matrix<double>::Zero(bins.rows(), bins.cols());
  for (std::size_t k = 0; k < kLevels.size(); ++k)
    if (parts[k].maxCoeff() > 0) out += smoothed(parts[k], x_ends, y_ends, kLevels[k] * wx, kLevels[k] * wy, rho);
  return out;
}

}  // namespace

double bandwidth(const SampleColumn& column, const RowVector<double>& weights) {
  const double length = column.range.high - column.range.low, n = effective_number(column, weights);
  const Vector<double> bins = histogram(unrounded(column), weights, kBins);
  const double thumb = rule_of_thumb(bins, n);
  const double time = n > 1 ? smallest_root(cosine_power(bins), n) : 0;
  const double own = time > 0 && std::isfinite(time) ? std::min(std::sqrt(time), thumb) : thumb;
  return length * std::clamp(least_width(bins, own, column.ends, n), own, thumb);
}

Vector<double> smooth_density(const SampleColumn& column, const RowVector<double>& weights, Index cells) {
  const double width = width_in_cells(column, bandwidth(column, weights), cells);
  const Vector<double> density = smoothed_adaptively(histogram(column, weights, cells), column.ends, width);
  const double whole = density.sum() * (column.range.high - column.range.low) / static_cast<double>(cells);
  return whole > 0 ? Vector<double>(density / whole) : density;
}

Matrix<double> smooth_density(const SampleColumn& x, const SampleColumn& y, const RowVector<double>& weights,
                              Index cells) {
  // The optimal width falls with n^(-1/6) in two dimensions, with n^(-1/5) in one (Scott 1992).
  const double wider = std::pow(std::max(effective_number(x, weights), 1.0), 1.0 / 30);
  const double wx = width_in_cells(x, wider * bandwidth(x, weights), cells),
               wy = width_in_cells(y, wider * bandwidth(y, weights), cells);
  const bool apart = x.discrete || y.discrete;  // a slanted kernel would join neighbouring integers
  const double rho = apart ? 0 : correlation(x, y, weights);
  Matrix<double> bins = Matrix<double>::Zero(cells, cells);
  for (Index n = 0; n < x.values.size(); ++n) {
    const Index i = cell_of(x.values(n), x.range, cells), j = cell_of(y.values(n), y.range, cells);
    if (i >= 0 && j >= 0) bins(i, j) += weight_of(weights, n);
  }
  const Matrix<double> pilot = smoothed(bins, x.ends, y.ends, wx, wy, rho);
  const double mean = geometric_mean(bins, pilot);
  const double n = effective_number(x, weights);
  const auto rule = [&](const SampleColumn& c) { return rule_of_thumb(histogram(c, weights, kBins), n); };
  const Widths w = widened({wx, wy}, {rule(x), rule(y)}, mean, n, rho);
  const Matrix<double> out = apart ? pilot : smoothed_adaptively(bins, pilot, mean, x.ends, y.ends, w.x, w.y, rho);
  const double whole = out.sum();
  return whole > 0 ? Matrix<double>(out / whole) : out;
}

}  // namespace pathline::plot

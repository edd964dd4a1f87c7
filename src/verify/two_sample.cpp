#include "verify/two_sample.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <vector>

namespace pathline {

double kolmogorov_tail(double x) {
  if (std::isnan(x)) return x;
  if (x < 0.2) return 1;  // with an error below 1e-12
  double sum = 0;
  for (int k = 1; k <= 100; ++k) {
    const double term = std::exp(-2.0 * k * k * x * x);
    sum += k % 2 ? term : -term;
    if (term < 1e-17) break;
  }
  return std::clamp(2 * sum, 0.0, 1.0);
}

namespace {

double p_value(double distance, double effective) {
  const double root = std::sqrt(effective);
  return kolmogorov_tail((root + 0.12 + 0.11 / root) * distance);
}

}  // namespace

KolmogorovSmirnov kolmogorov_smirnov(RowVector<double> a, RowVector<double> b) {
  if (a.array().isNaN().any() || b.array().isNaN().any()) return {std::nan(""), std::nan("")};
  std::sort(a.begin(), a.end()), std::sort(b.begin(), b.end());
  const double n = static_cast<double>(a.size()), m = static_cast<double>(b.size());
  double distance = 0;
  for (Index i = 0, j = 0; i < a.size() && j < b.size();) {
    const double at = std::min(a[i], b[j]);
    while (i < a.size() && a[i] == at) ++i;
    while (j < b.size() && b[j] == at) ++j;
    distance = std::max(distance, std::abs(static_cast<double>(i) / n - static_cast<double>(j) / m));
  }
  return {distance, p_value(distance, n * m / (n + m))};
}

KolmogorovSmirnov kolmogorov_smirnov_uniform(RowVector<double> a) {
  if (a.array().isNaN().any()) return {std::nan(""), std::nan("")};
  std::sort(a.begin(), a.end());
  const double n = static_cast<double>(a.size());
  double distance = 0;
  for (Index i = 0; i < a.size(); ++i)
    distance = std::max({distance, a[i] - static_cast<double>(i) / n, static_cast<double>(i + 1) / n - a[i]});
  return {distance, p_value(distance, n)};
}

// With a label of +1 or -1 for each of the 2 n points, the statistic is -s^T D s / n^2: all exchanges of a block are
// one matrix product.
EnergyTest energy_test(const Matrix<double>& a, const Matrix<double>& b, Engine& engine, Index most_exchanges) {
  assert(a.cols() == b.cols() && a.rows() == b.rows());
  constexpr Index kBlock = 500, kEnough = 20;
  const Index n = a.cols();
  Matrix<double> all(a.rows(), 2 * n);
  all << a, b;
  if (!all.allFinite()) return {std::nan(""), std::nan(""), 0};
  const RowVector<double> squares = all.colwise().squaredNorm();
  Matrix<double> distance = -2 * all.transpose() * all;
  distance.rowwise() += squares, distance.colwise() += squares.transpose();
  const Matrix<float> d = distance.cwiseMax(0).cwiseSqrt().cast<float>();
  const auto statistics = [&](const Matrix<float>& labels) {
    return RowVector<double>(-(d * labels).cwiseProduct(labels).colwise().sum().cast<double>() /
                             static_cast<double>(n * n));
  };
  Matrix<float> labels = Matrix<float>::Constant(2 * n, 1, -1);
  labels.topRows(n).setOnes();
  EnergyTest out{statistics(labels)[0], 1, 0};
  std::vector<float> mixed(static_cast<std::size_t>(2 * n), -1);
  std::fill(mixed.begin(), mixed.begin() + n, 1.0f);
  Index as_large = 0;
  labels.resize(2 * n, kBlock);
  while (out.exchanges < most_exchanges) {
    for (Index k = 0; k < kBlock; ++k) {
      for (Index i = 0; i < n; ++i)  // Fisher and Yates: n of 2 n labels, chosen at random
        std::swap(mixed[static_cast<std::size_t>(i)],
                  mixed[static_cast<std::size_t>(i + uniform_index(engine, 2 * n - i))]);
      labels.col(k) = ConstVectorMap<float>(mixed.data(), 2 * n);
    }
    const auto got = statistics(labels);
    for (Index k = 0; k < kBlock; ++k) {
      ++out.exchanges;
      if (got[k] >= out.statistic && ++as_large == kEnough) {
        out.p = static_cast<double>(kEnough) / static_cast<double>(out.exchanges);
        return out;
      }
    }
  }
  out.p = static_cast<double>(as_large + 1) / static_cast<double>(out.exchanges + 1);
  return out;
}

}  // namespace pathline

#include "data/surface_finding.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include <fmt/format.h>
#include <Eigen/QR>

namespace pathline {
namespace {

constexpr Index kMostColumns = 50, kMostOfPairs = 12;  // of a table whose columns, and pairs of them, are tried
constexpr Index kMostRows = 2000;
constexpr double kThin = 0.02, kCurved = 0.1;  // of the standard deviation of a column

// The ranks of a column, from -1/2 to 1/2: the same for every unit and every monotone function of its values.
RowVector<double> centred_ranks(const RowVector<double>& x) {
  std::vector<Index> order(static_cast<std::size_t>(x.size()));
  std::iota(order.begin(), order.end(), Index{0});
  std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) { return x[a] < x[b]; });
  RowVector<double> out(x.size());
  const double n = static_cast<double>(x.size());
  for (std::size_t begin = 0, end = 0; begin < order.size(); begin = end) {  // equal values have their mean rank
    while (end < order.size() && x[order[end]] == x[order[begin]]) ++end;
    const double rank = (0.5 * static_cast<double>(begin + end - 1) + 0.5) / n - 0.5;
    for (std::size_t k = begin; k < end; ++k) out[order[k]] = rank;
  }
  return out;
}

// What is left of y after the best linear function of the inputs (p x n), as a part of its standard deviation.
double linear_rest(const Matrix<double>& inputs, const RowVector<double>& y) {
  Matrix<double> design(y.size(), inputs.rows() + 1);
  design.col(0).setOnes();
  for (Index i = 0; i < inputs.rows(); ++i) {
    const double size = inputs.row(i).cwiseAbs().maxCoeff();
    design.col(i + 1) = inputs.row(i).transpose() / (size > 0 ? size : 1);
  }
  const Vector<double> target = y.transpose() / std::max(y.cwiseAbs().maxCoeff(), 1e-300);
  const Vector<double> rest = target - design * design.colPivHouseholderQr().solve(target);
  const double spread = (target.array() - target.mean()).matrix().norm();
  return spread > 0 ? rest.norm() / spread : 0;
}

// The median distance of y from what a plane through the nearest rows predicts, as a part of its standard deviation.
// All are ranks.
double local_rest(const Matrix<double>& inputs, const RowVector<double>& y) {
  const Index n = y.size(), p = inputs.rows(), nearest = 2 * p + 4;
  std::vector<double> rests;
  std::vector<std::pair<double, Index>> distances(static_cast<std::size_t>(n));
  constexpr Index kTried = 200;            // rows; their median is known to a tenth of itself
  constexpr Index kFirst = 6, kMore = 30;  // after which most pairs of columns turn out to have nothing in common
  const auto median = [&] {
    std::nth_element(rests.begin(), rests.begin() + std::ssize(rests) / 2, rests.end());
    return rests[rests.size() / 2] * std::sqrt(12.0);
  };
  for (Index b = 0; b < std::min(n, kTried); ++b) {
    for (Index k = 0; k < n; ++k)
      distances[static_cast<std::size_t>(k)] = {(inputs.col(k) - inputs.col(b)).squaredNorm(), k};
    std::swap(distances[static_cast<std::size_t>(b)], distances.back());  // not itself
    std::nth_element(distances.begin(), distances.begin() + nearest, distances.end() - 1);
    Matrix<double> design(nearest, p + 1);
    Vector<double> target(nearest);
    for (Index i = 0; i < nearest; ++i) {
      const Index k = distances[static_cast<std::size_t>(i)].second;
      design(i, 0) = 1, target[i] = y[k];
      design.row(i).tail(p) = (inputs.col(k) - inputs.col(b)).transpose();
    }
    rests.push_back(std::abs(y[b] - design.colPivHouseholderQr().solve(target)[0]));
    if ((b + 1 == kFirst && median() > 15 * kThin) || (b + 1 == kMore && median() > 4 * kThin)) break;
  }
  return median();
}

struct Surface {
  Index target;
  std::vector<Index> inputs;
  double rest;
};

std::set<Index> columns_of(const Surface& s) {
  std::set<Index> all(s.inputs.begin(), s.inputs.end());
  all.insert(s.target);
  return all;
}

// The functions with the fewest inputs and the least scatter, each of other columns than those before it.
std::vector<Surface> without_repetition(std::vector<Surface> found) {
  std::stable_sort(found.begin(), found.end(), [](const Surface& a, const Surface& b) {
    return std::pair(a.inputs.size(), a.rest) < std::pair(b.inputs.size(), b.rest);
  });
  std::vector<Surface> out;
  for (auto& s : found) {
    const auto all = columns_of(s);
    const bool known = std::any_of(out.begin(), out.end(), [&](const Surface& other) {
      const auto less = columns_of(other);
      return std::includes(all.begin(), all.end(), less.begin(), less.end());
    });
    if (!known) out.push_back(std::move(s));
  }
  return out;
}

}  // namespace

std::vector<std::string> surface_findings(ConstMatrixRef<double> x, const std::vector<std::string>& names,
                                          const std::vector<bool>& modelled) {
  std::vector<std::string> out;
  const Index d = x.rows(), rows = std::min(x.cols(), kMostRows);
  if (d < 2 || d > kMostColumns || rows < 200) return out;
  Matrix<double> ranks(d, rows);
  for (Index i = 0; i < d; ++i) ranks.row(i) = centred_ranks(x.row(i).leftCols(rows));
  std::vector<Surface> found;
  const auto look = [&](Index target, const std::vector<Index>& inputs) {
    const Matrix<double> from = ranks(inputs, Eigen::all);
    const RowVector<double> to = ranks.row(target);
    if (!(linear_rest(from, to) > kCurved)) return;  // the cheapest test first
    if (const double rest = local_rest(from, to);
        rest < kThin && linear_rest(x(inputs, Eigen::all).leftCols(rows), x.row(target).leftCols(rows)) > kCurved)
      found.push_back({target, inputs, rest});
  };
  for (Index target = 0; target < d; ++target)
    for (Index i = 0; i < d && modelled[static_cast<std::size_t>(target)]; ++i) {
      if (i == target) continue;
      look(target, {i});
      for (Index j = i + 1; j < d && d <= kMostOfPairs; ++j)
        if (j != target) look(target, {i, j});
    }
  for (const auto& s : without_repetition(std::move(found))) {
    const auto name = [&](Index i) { return names[static_cast<std::size_t>(i)]; };
    out.push_back(fmt::format(
        "column {} is nearly a curved function of {}{}, about which it scatters by {:.1g} of its spread: a density "
        "that is so narrow there is not determined by this many rows; leave the column out, or put its difference from "
        "that function in its place",
        name(s.target), name(s.inputs[0]), s.inputs.size() > 1 ? " and " + name(s.inputs[1]) : "", s.rest));
  }
  return out;
}

}  // namespace pathline

#include "train/condition_density.hpp"

#include <cmath>
#include <map>
#include <vector>

#include "pathline/core/parallel.hpp"

namespace pathline {
namespace {

constexpr double kLow = -6, kCell = 1.0 / 32;  // noise of 0.08, the least: an error of exp(-2 pi^2 (0.08 / kCell)^2)
constexpr Index kCells = 384;  // up to 6; every toy has less than 1e-11 of its mass outside
constexpr double kNode = 1.0 / 128;  // of the table
constexpr Index kStencil = 10;       // nodes from which a value is interpolated
constexpr double kSteepest = 20;     // nats over a stencil; a Gaussian's tail of that noise has 9 at 10 deviations

// The integral over x at every c, in parallel.
RowVector<double> integrals(const std::function<RowVector<double>(ConstMatrixRef<double>)>& joint, Index row,
                            const std::vector<double>& c, int threads) {
  RowVector<double> out(static_cast<Index>(c.size()));
  parallel_for(out.size(), threads, [&](Index i, int) {
    Matrix<double> line(2, kCells);
    line.row(row).setConstant(c[static_cast<std::size_t>(i)]);
    for (Index k = 0; k < kCells; ++k) line(1 - row, k) = kLow + kCell * static_cast<double>(k);
    out[i] = std::log(joint(line).array().exp().sum() * kCell);
  });
  return out;
}

// Lagrange's polynomial through `values` at 0, 1, ..., at t.
double interpolated(const double* values, double t) {
  double sum = 0;
  for (Index j = 0; j < kStencil; ++j) {
    double weight = 1;
    for (Index k = 0; k < kStencil; ++k)
      if (k != j) weight *= (t - static_cast<double>(k)) / static_cast<double>(j - k);
    sum += weight * values[j];
  }
  return sum;
}

}  // namespace

RowVector<double> log_condition_density(const std::function<RowVector<double>(ConstMatrixRef<double>)>& joint,
                                        Index row, ConstMatrixRef<double> c, int threads) {
  auto begin = [](double value) { return static_cast<Index>(std::floor(value / kNode)) - kStencil / 2 + 1; };
  std::map<Index, Index> place;  // the index in the table of each node that is needed
  for (Index b = 0; b < c.cols(); ++b)
    for (Index k = 0; k < kStencil; ++k) place[begin(c(0, b)) + k] = 0;
  std::vector<double> nodes;
  for (auto& [node, at] : place)
    at = static_cast<Index>(nodes.size()), nodes.push_back(kNode * static_cast<double>(node));
  const RowVector<double> table = integrals(joint, row, nodes, threads);
  RowVector<double> out(c.cols());
  std::vector<Index> direct;  // points near an end of the support, which are integrated directly
  for (Index b = 0; b < c.cols(); ++b) {
    const Index first = begin(c(0, b));
    const auto values = table.segment(place[first], kStencil);
    out[b] = interpolated(values.data(), c(0, b) / kNode - static_cast<double>(first));
    if (!(values.maxCoeff() - values.minCoeff() < kSteepest)) direct.push_back(b);
  }
  std::vector<double> at;
  for (const Index b : direct) at.push_back(c(0, b));
  const RowVector<double> rest = integrals(joint, row, at, threads);
  for (std::size_t i = 0; i < direct.size(); ++i) out[direct[i]] = rest[static_cast<Index>(i)];
  return out;
}

}  // namespace pathline

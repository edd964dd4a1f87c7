#include "fit/clusters.hpp"

#include <algorithm>
#include <limits>

#include "fit/whitened_distance.hpp"

namespace pathline {
namespace {

constexpr int kRounds = 8;  // of Lloyd's iteration
// The centres are found from at most kMostRows rows, or kRowsEach rows for each centre if that is more.
constexpr Index kMostRows = 20000, kRowsEach = 20;

// The squared distance of each row of z (N x d) to a centre.
Vector<double> squared_distance(const Matrix<double>& z, const Vector<double>& centre) {
  Vector<double> out = Vector<double>::Zero(z.rows());
  for (Index i = 0; i < z.cols(); ++i) out.array() += (z.col(i).array() - centre[i]).square();
  return out;
}

// Draws each centre from the rows, with a probability proportional to the weight of the row times its squared distance
// to the nearest centre so far.
Matrix<double> first_centres(const Matrix<double>& z, const Vector<double>& weights, Index components, Engine& engine) {
  Matrix<double> centres(z.cols(), components);
  Vector<double> distance = Vector<double>::Constant(z.rows(), 1.0);
  for (Index k = 0; k < components; ++k) {
    double left = uniform(engine) * weights.dot(distance);
    Index row = 0;
    for (Index i = 0; i < z.rows(); ++i) {
      const double p = weights[i] * distance[i];
      if (p > 0) row = i;
      if ((left -= p) < 0) break;
    }
    centres.col(k) = z.row(row).transpose();
    const Vector<double> now = squared_distance(z, centres.col(k));
    distance = k == 0 ? now : distance.cwiseMin(now).eval();
    if (!(weights.dot(distance) > 0)) return centres.leftCols(k + 1);
  }
  return centres;
}

// The nearest centre of each row of data / deviation.
std::vector<Index> nearest_centres(const MixtureRows& data, const Vector<double>& deviation,
                                   const Matrix<double>& centres) {
  const Vector<double> half = 0.5 * centres.colwise().squaredNorm().transpose();
  std::vector<Index> out(static_cast<std::size_t>(data.size()));
  data.for_blocks([&](Index, Index begin, Index count, Index) {
    static thread_local Matrix<double> z;
    gather_rows(data.rows(), begin, count, z);
    z.array().rowwise() /= deviation.transpose().array();
    for (Index b = 0; b < z.rows(); b += kLanes) {
      Lanes highest = Lanes::Constant(-std::numeric_limits<double>::infinity()), which = Lanes::Zero();
      for (Index k = 0; k < centres.cols(); ++k) {
        Lanes near = Lanes::Constant(-half[k]);
        for (Index i = 0; i < z.cols(); ++i) near += centres(i, k) * z.col(i).segment<kLanes>(b).array();
        which = (near > highest).select(static_cast<double>(k), which);
        highest = highest.max(near);
      }
      for (Index i = 0; i < std::min(kLanes, count - b); ++i)
        out[static_cast<std::size_t>(begin + b + i)] = static_cast<Index>(which[i]);
    }
  });
  return out;
}

// The means of the rows nearest to each centre; a centre without rows stays.
void move_to_means(const MixtureRows& data, const Vector<double>& deviation, const std::vector<Index>& nearest,
                   Matrix<double>& centres) {
  Matrix<double> sum = Matrix<double>::Zero(centres.rows(), centres.cols());
  Vector<double> mass = Vector<double>::Zero(centres.cols());
  for (Index i = 0; i < data.size(); ++i) {
    const Index k = nearest[static_cast<std::size_t>(i)];
    sum.col(k) += data.weights()[i] * data.rows().col(i).cwiseQuotient(deviation);
    mass[k] += data.weights()[i];
  }
  for (Index k = 0; k < centres.cols(); ++k)
    if (mass[k] > 0) centres.col(k) = sum.col(k) / mass[k];
}

// Orders the centres so that each is followed by the nearest of the remaining ones.
Matrix<double> chained(Matrix<double> centres) {
  for (Index k = 0; k + 2 < centres.cols(); ++k) {
    Index next = 0;
    const Vector<double> from = centres.col(k);
    (centres.rightCols(centres.cols() - k - 1).colwise() - from).colwise().squaredNorm().minCoeff(&next);
    centres.col(k + 1).swap(centres.col(k + 1 + next));
  }
  return centres;
}

}  // namespace

Clusters find_clusters(const MixtureRows& data, const Vector<double>& deviation, Index components, Engine& engine) {
  const Index most = std::max(kMostRows, kRowsEach * components);
  const MixtureRows some = data.some(every((data.size() + most - 1) / most, data.size()));
  const Matrix<double> z = (some.rows().array().colwise() / deviation.array()).matrix().transpose();
  Matrix<double> centres = first_centres(z, some.weights(), components, engine);
  for (int round = 0; round < kRounds; ++round)
    move_to_means(some, deviation, nearest_centres(some, deviation, centres), centres);
  centres = chained(std::move(centres));
  return {centres.cols(), nearest_centres(data, deviation, centres)};
}

}  // namespace pathline

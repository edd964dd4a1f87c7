/// \file
/// A mixture of Gaussians with full covariances, as a value: density, score, samples.
#pragma once

#include <vector>

#include "pathline/core/random.hpp"
#include "pathline/core/types.hpp"

namespace pathline {

/// The density sum_k w_k N(x; mean_k, L_k L_k^T). All arithmetic is in double; log-densities are in nats.
///
/// The density of a point costs about K d (d + 1) floating-point operations, and an exponential for each component that
/// is not far away.
class GaussianMixture {
 public:
  /// weights: K, >= 0, with sum 1. means: d x K. scales: K lower triangular d x d matrices L_k with a positive
  /// diagonal. Throws InputError if they are not.
  GaussianMixture(Vector<double> weights, Matrix<double> means, std::vector<Matrix<double>> scales);

  Index dim() const { return means_.rows(); }
  Index components() const { return means_.cols(); }
  const Vector<double>& weights() const { return weights_; }
  const Matrix<double>& means() const { return means_; }
  const Matrix<double>& scale(Index k) const { return scales_[static_cast<std::size_t>(k)]; }
  /// The marginal density of the first `columns` columns. columns: in [1, d].
  [[nodiscard]] GaussianMixture marginal(Index columns) const;

  /// x: d x B; returns 1 x B. A NaN in a column of x gives NaN there.
  [[nodiscard]] RowVector<double> log_density(ConstMatrixRef<double> x) const;
  /// The gradient of the log-density with respect to x. x, score: d x B.
  void score(ConstMatrixRef<double> x, MatrixRef<double> score) const;
  /// The posterior probability of each component. x: d x B; returns K x B.
  [[nodiscard]] Matrix<double> responsibilities(ConstMatrixRef<double> x) const;
  /// Fills x (d x B) with draws, column by column.
  void sample(Engine& engine, MatrixRef<double> x) const;

  /// log w_k + log N(x; k) of one block of columns, a row each, and as a scratch the columns as rows. joint: B x K.
  void log_joint(ConstMatrixRef<double> x, Matrix<double>& joint, Matrix<double>& scratch) const;

 private:
  Vector<double> weights_;
  Matrix<double> means_;
  std::vector<Matrix<double>> scales_;
  std::vector<Matrix<double>> whitening_;  // of each component: the lower triangle of L_k^-1, row by row
  Matrix<double> offset_;                  // d x K: L_k^-1 mean_k
  Vector<double> log_factor_;              // K: log w_k - log |L_k| - d/2 log 2 pi
};

}  // namespace pathline

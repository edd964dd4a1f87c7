/// \file
/// The conditional density of a mixture of Gaussians.
#pragma once

#include <optional>

#include "pathline/fit/gaussian_mixture.hpp"

namespace pathline {

/// p(x | c) = p(c, x) / p(c) of a mixture of Gaussians over (c, x), the condition first. As each L_k is lower triangular,
/// its blocks give the conditional of each component in closed form (Bishop 2006, section 2.3.1): with
/// L_k = [A 0; B D], mean (m, n) and e = A^-1 (c - m),
///
///     p(x | c) = sum_k w_k(c) N(x; n_k + B_k e_k, D_k D_k^T),    w_k(c) proportional to w_k N(c; m_k, A_k A_k^T).
///
/// Without a condition it is the mixture itself. All arithmetic is in double; log-densities are in nats.
class ConditionalMixture {
 public:
  /// joint: of dc + d columns; condition_dim: dc, in [0, dc + d). Throws InputError if it is not.
  explicit ConditionalMixture(GaussianMixture joint, Index condition_dim = 0);

  Index dim() const { return joint_.dim() - condition_dim_; }
  Index condition_dim() const { return condition_dim_; }
  const GaussianMixture& joint() const { return joint_; }
  /// The marginal density of the condition; null without one.
  const GaussianMixture* marginal() const { return marginal_ ? &*marginal_ : nullptr; }

  /// x: d x B, c: dc x B; returns 1 x B. A NaN in a column gives NaN there.
  [[nodiscard]] RowVector<double> log_density(ConstMatrixRef<double> x, ConstMatrixRef<double> c) const;
  /// The gradient of the log-density with respect to x and c. of_x: d x B, of_c: dc x B.
  void score(ConstMatrixRef<double> x, ConstMatrixRef<double> c, MatrixRef<double> of_x, MatrixRef<double> of_c) const;
  /// Fills x (d x B) with draws under c (dc x B), column by column.
  void sample(Engine& engine, ConstMatrixRef<double> c, MatrixRef<double> x) const;

 private:
  GaussianMixture joint_;
  Index condition_dim_;
  std::optional<GaussianMixture> marginal_;
};

}  // namespace pathline

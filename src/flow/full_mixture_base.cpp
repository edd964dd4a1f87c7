#include "flow/full_mixture_base.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

namespace pathline {
namespace {

// sum_j softmax(logits)_j N(mean_j, L_j L_j^T). Row j of log_cholesky is the lower triangle of L_j, row by row, with
// the logarithms of its diagonal. The density is that of a GaussianMixture, made anew where theta changes.
class FullMixtureBase final : public Base {
 public:
  FullMixtureBase(Index dim, Index components) : Base(dim), k_(components), packed_(dim * (dim + 1) / 2) {
    add_parameter("logits", k_, 1), add_parameter("mean", k_, dim), add_parameter("log_cholesky", k_, packed_);
    theta_changed();
  }
  std::unique_ptr<Base> clone() const override { return std::make_unique<FullMixtureBase>(*this); }
  BaseKind kind() const override { return BaseKind::full_mixture; }
  Index components() const override { return k_; }

  RowVector<double> log_density(ConstMatrixRef<double> z) const override { return mixture_->log_density(z); }
  void pullback(ConstMatrixRef<double> z, double weight, MatrixRef<double> z_bar,
                VectorRef<double> theta_bar) const override;
  void sample(Engine& engine, MatrixRef<double> z) const override { mixture_->sample(engine, z); }

 private:
  void theta_changed() override;
  Index at_mean(Index j) const { return k_ + j * dim(); }
  Index at_scale(Index j) const { return k_ + k_ * dim() + j * packed_; }

  Index k_, packed_;
  std::optional<GaussianMixture> mixture_;
};

void FullMixtureBase::theta_changed() {
  const Index d = dim();
  Vector<double> weights = (theta_.head(k_).array() - theta_.head(k_).maxCoeff()).exp();
  weights /= weights.sum();
  Matrix<double> means(d, k_);
  std::vector<Matrix<double>> scales(static_cast<std::size_t>(k_), Matrix<double>::Zero(d, d));
  for (Index j = 0; j < k_; ++j) {
    means.col(j) = theta_.segment(at_mean(j), d);
    const double* value = theta_.data() + at_scale(j);
    for (Index row = 0; row < d; ++row)
      for (Index col = 0; col <= row; ++col, ++value)
        scales[static_cast<std::size_t>(j)](row, col) = row == col ? std::exp(*value) : *value;
  }
  mixture_.emplace(std::move(weights), std::move(means), std::move(scales));
}

// With the responsibilities r, and G_j = sum_b r_jb e e^T of the whitened points e = L_j^-1 (z - mean_j):
// dlog p/dlogit_j = r_j - w_j, dlog p/dmean_j = r_j L_j^-T e, dlog p/dL_j = L_j^-T G_j - r_j diag(1 / L_ii).
void FullMixtureBase::pullback(ConstMatrixRef<double> z, double weight, MatrixRef<double> z_bar,
                               VectorRef<double> theta_bar) const {
  const Index d = dim();
  mixture_->score(z, z_bar);
  z_bar *= weight;
  if (theta_bar.size() == 0) return;
  const Matrix<double> share = mixture_->responsibilities(z);
  theta_bar.head(k_) += weight * (share.rowwise().sum() - static_cast<double>(z.cols()) * mixture_->weights());
  Matrix<double> whitened(d, z.cols());
  for (Index j = 0; j < k_; ++j) {
    const double rows = share.row(j).sum();
    if (rows < 1e-12) continue;  // less than the rounding of the others' gradients
    const auto l = mixture_->scale(j).triangularView<Eigen::Lower>();
    whitened = l.solve(z.colwise() - mixture_->means().col(j));
    const Matrix<double> weighted = whitened.array().rowwise() * share.row(j).array();
    theta_bar.segment(at_mean(j), d) += weight * l.transpose().solve(weighted.rowwise().sum());
    const Matrix<double> l_bar = l.transpose().solve(weighted * whitened.transpose());
    double* to = theta_bar.data() + at_scale(j);
    for (Index row = 0; row < d; ++row)
      for (Index col = 0; col <= row; ++col, ++to)
        *to += weight * (row == col ? l_bar(row, row) * mixture_->scale(j)(row, row) - rows : l_bar(row, col));
  }
}

std::unique_ptr<Base> with_theta(Index dim, Index components, const Vector<double>& theta) {
  auto base = std::make_unique<FullMixtureBase>(dim, components);
  base->set_theta(theta);
  return base;
}

}  // namespace

std::unique_ptr<Base> make_full_mixture(Index dim, Index components, Engine& engine) {
  const Index packed = dim * (dim + 1) / 2;
  Vector<double> theta = Vector<double>::Zero(components * (1 + dim + packed));
  for (Index i = 0; i < components * dim; ++i) theta[components + i] = normal(engine);
  const double scale = -std::log(static_cast<double>(components)) / static_cast<double>(dim);
  for (Index j = 0; j < components; ++j)
    for (Index row = 0; row < dim; ++row)
      theta[components * (1 + dim) + j * packed + row * (row + 1) / 2 + row] = scale;
  return with_theta(dim, components, theta);
}

std::unique_ptr<Base> make_base(const GaussianMixture& mixture) {
  const Index d = mixture.dim(), k = mixture.components(), packed = d * (d + 1) / 2;
  Vector<double> theta(k * (1 + d + packed));
  theta.head(k) = mixture.weights().cwiseMax(1e-300).array().log();
  for (Index j = 0; j < k; ++j) {
    theta.segment(k + j * d, d) = mixture.means().col(j);
    double* to = theta.data() + k + k * d + j * packed;
    for (Index row = 0; row < d; ++row)
      for (Index col = 0; col <= row; ++col, ++to)
        *to = row == col ? std::log(mixture.scale(j)(row, row)) : mixture.scale(j)(row, col);
  }
  return with_theta(d, k, theta);
}

}  // namespace pathline

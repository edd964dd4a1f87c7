#include "flow/full_mixture_base.hpp"

#include <cmath>
#include <optional>
#include <utility>

#include "pathline/fit/conditional_mixture.hpp"

namespace pathline {
namespace {

// sum_j softmax(logits)_j N(mean_j, L_j L_j^T) over the condition, if there is one, and z. Row j of log_cholesky is the
// lower triangle of L_j, row by row, with the logarithms of its diagonal. The density is that of a ConditionalMixture,
// made anew where theta changes.
class FullMixtureBase final : public Base {
 public:
  FullMixtureBase(Index dim, Index components, Index condition_dim)
      : Base(dim, condition_dim), k_(components), d_(dim + condition_dim), packed_(d_ * (d_ + 1) / 2) {
    add_parameter("logits", k_, 1), add_parameter("mean", k_, d_), add_parameter("log_cholesky", k_, packed_);
    theta_changed();
  }
  std::unique_ptr<Base> clone() const override { return std::make_unique<FullMixtureBase>(*this); }
  BaseKind kind() const override { return condition_dim() > 0 ? BaseKind::conditional_mixture : BaseKind::full_mixture; }
  Index components() const override { return k_; }

  RowVector<double> log_density(ConstMatrixRef<double> z, ConstMatrixRef<double> c) const override {
    return mixture_->log_density(z, c);
  }
  void pullback(ConstMatrixRef<double> z, ConstMatrixRef<double> c, double weight, MatrixRef<double> z_bar,
                VectorRef<double> theta_bar) const override;
  Matrix<double> condition_pullback(ConstMatrixRef<double> z, ConstMatrixRef<double> c, double weight) const override {
    Matrix<double> unused(dim(), z.cols()), c_bar(condition_dim(), z.cols());
    mixture_->score(z, c, unused, c_bar);
    return weight * c_bar;
  }
  void sample(Engine& engine, MatrixRef<double> z, ConstMatrixRef<double> c) const override {
    mixture_->sample(engine, c, z);
  }

 private:
  void theta_changed() override;
  void add_gradient(const GaussianMixture& mixture, const Matrix<double>& x, double weight,
                    VectorRef<double> theta_bar) const;
  Index at_mean(Index j) const { return k_ + j * d_; }
  friend const GaussianMixture* pathline::mixture_of(const Base& base);
  Index at_scale(Index j) const { return k_ + k_ * d_ + j * packed_; }

  Index k_, d_, packed_;  // components; columns of condition and z together; elements of a packed triangle
  std::optional<ConditionalMixture> mixture_;
};

void FullMixtureBase::theta_changed() {
  Vector<double> weights = (theta_.head(k_).array() - theta_.head(k_).maxCoeff()).exp();
  weights /= weights.sum();
  Matrix<double> means(d_, k_);
  std::vector<Matrix<double>> scales(static_cast<std::size_t>(k_), Matrix<double>::Zero(d_, d_));
  for (Index j = 0; j < k_; ++j) {
    means.col(j) = theta_.segment(at_mean(j), d_);
    const double* value = theta_.data() + at_scale(j);
    for (Index row = 0; row < d_; ++row)
      for (Index col = 0; col <= row; ++col, ++value)
        scales[static_cast<std::size_t>(j)](row, col) = row == col ? std::exp(*value) : *value;
  }
  mixture_.emplace(GaussianMixture(std::move(weights), std::move(means), std::move(scales)), condition_dim());
}

// Adds the gradient of the log-density of `mixture` at x. The mixture is of the first columns, so that its parameters
// are the first ones of each mean and of each packed triangle. With the responsibilities r, the whitened points
// e = L_j^-1 (x - mean_j) and G_j = sum_b r_jb e e^T: dlog p/dlogit_j = r_j - w_j, dlog p/dmean_j = r_j L_j^-T e,
// dlog p/dL_j = L_j^-T G_j - r_j diag(1 / L_ii).
void FullMixtureBase::add_gradient(const GaussianMixture& mixture, const Matrix<double>& x, double weight,
                                   VectorRef<double> theta_bar) const {
  const Index d = mixture.dim();
  const Matrix<double> share = mixture.responsibilities(x);
  theta_bar.head(k_) += weight * (share.rowwise().sum() - static_cast<double>(x.cols()) * mixture.weights());
  Matrix<double> whitened(d, x.cols());
  for (Index j = 0; j < k_; ++j) {
    const double rows = share.row(j).sum();
    if (rows < 1e-12) continue;  // below the rounding error of the other components' gradients
    const auto l = mixture.scale(j).triangularView<Eigen::Lower>();
    whitened = l.solve(x.colwise() - mixture.means().col(j));
    const Matrix<double> weighted = whitened.array().rowwise() * share.row(j).array();
    theta_bar.segment(at_mean(j), d) += weight * l.transpose().solve(weighted.rowwise().sum());
    const Matrix<double> l_bar = l.transpose().solve(weighted * whitened.transpose());
    double* to = theta_bar.data() + at_scale(j);
    for (Index row = 0; row < d; ++row)
      for (Index col = 0; col <= row; ++col, ++to)
        *to += weight * (row == col ? l_bar(row, row) * mixture.scale(j)(row, row) - rows : l_bar(row, col));
  }
}

// log p(z | c) = log p(c, z) - log p(c).
void FullMixtureBase::pullback(ConstMatrixRef<double> z, ConstMatrixRef<double> c, double weight,
                               MatrixRef<double> z_bar, VectorRef<double> theta_bar) const {
  Matrix<double> of_condition(condition_dim(), z.cols());
  mixture_->score(z, c, z_bar, of_condition);
  z_bar *= weight;
  if (theta_bar.size() == 0) return;
  Matrix<double> all(d_, z.cols());
  all.bottomRows(dim()) = z;
  if (condition_dim() > 0) all.topRows(condition_dim()) = c;
  add_gradient(mixture_->joint(), all, weight, theta_bar);
  if (const auto* marginal = mixture_->marginal()) add_gradient(*marginal, c, -weight, theta_bar);
}

std::unique_ptr<Base> with_theta(Index dim, Index components, Index condition_dim, const Vector<double>& theta) {
  auto base = std::make_unique<FullMixtureBase>(dim, components, condition_dim);
  base->set_theta(theta);
  return base;
}

}  // namespace

std::unique_ptr<Base> make_full_mixture(Index dim, Index components, Index condition_dim, Engine& engine) {
  const Index d = dim + condition_dim, packed = d * (d + 1) / 2;
  Vector<double> theta = Vector<double>::Zero(components * (1 + d + packed));
  for (Index i = 0; i < components * d; ++i) theta[components + i] = normal(engine);
  const double scale = -std::log(static_cast<double>(components)) / static_cast<double>(d);
  for (Index j = 0; j < components; ++j)
    for (Index row = 0; row < d; ++row) theta[components * (1 + d) + j * packed + row * (row + 1) / 2 + row] = scale;
  return with_theta(dim, components, condition_dim, theta);
}

const GaussianMixture* mixture_of(const Base& base) {
  const auto* full = dynamic_cast<const FullMixtureBase*>(&base);
  return full ? &full->mixture_->joint() : nullptr;
}

std::unique_ptr<Base> make_base(const GaussianMixture& mixture, Index condition_dim) {
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
  return with_theta(d - condition_dim, k, condition_dim, theta);
}

}  // namespace pathline

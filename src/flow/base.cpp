#include "pathline/flow/base.hpp"

#include <cassert>
#include <cmath>
#include <limits>
#include <numbers>

#include "core/log_sum_exp.hpp"
#include "core/memory.hpp"
#include "core/named_value.hpp"
#include "core/option_check.hpp"
#include "flow/full_mixture_base.hpp"
#include "pathline/core/error.hpp"

namespace pathline {
namespace {

const double kHalfLogTwoPi = 0.5 * std::log(2 * std::numbers::pi);

class NormalBase final : public Base {
 public:
  explicit NormalBase(Index dim) : Base(dim) {}
  std::unique_ptr<Base> clone() const override { return std::make_unique<NormalBase>(*this); }
  BaseKind kind() const override { return BaseKind::normal; }
  RowVector<double> log_density(ConstMatrixRef<double> z, ConstMatrixRef<double>) const override {
    return standard_normal_log_density<double>(z);
  }
  void pullback(ConstMatrixRef<double> z, ConstMatrixRef<double>, double weight, MatrixRef<double> z_bar,
                VectorRef<double>) const override {
    z_bar = -weight * z;
  }
  void sample(Engine& engine, MatrixRef<double> z, ConstMatrixRef<double>) const override { fill_normal<double>(engine, z); }
};

// A Gaussian with a diagonal covariance: z = mean + exp(log_scale) e, where e is standard normal.
class DiagonalBase final : public Base {
 public:
  explicit DiagonalBase(Index dim) : Base(dim) { add_parameter("mean", dim, 1), add_parameter("log_scale", dim, 1); }
  std::unique_ptr<Base> clone() const override { return std::make_unique<DiagonalBase>(*this); }
  BaseKind kind() const override { return BaseKind::diagonal; }
  RowVector<double> log_density(ConstMatrixRef<double> z, ConstMatrixRef<double>) const override {
    return standard_normal_log_density<double>(whitened(z)).array() - log_scale().sum();
  }
  void pullback(ConstMatrixRef<double> z, ConstMatrixRef<double>, double weight, MatrixRef<double> z_bar,
                VectorRef<double> theta_bar) const override {
    const Matrix<double> e = whitened(z);
    z_bar = -weight * (e.array().colwise() * (-log_scale()).array().exp()).matrix();
    if (theta_bar.size() == 0) return;
    theta_bar.head(dim()) -= z_bar.rowwise().sum();
    theta_bar.tail(dim()).array() += weight * (e.array().square() - 1).rowwise().sum();
  }
  void sample(Engine& engine, MatrixRef<double> z, ConstMatrixRef<double>) const override {
    fill_normal<double>(engine, z);
    z = (z.array().colwise() * log_scale().array().exp()).matrix().colwise() + mean();
  }

 private:
  Vector<double> mean() const { return theta_.head(dim()); }
  Vector<double> log_scale() const { return theta_.tail(dim()); }
  Matrix<double> whitened(ConstMatrixRef<double> z) const {
    return (z.colwise() - mean()).array().colwise() * (-log_scale()).array().exp();
  }
};

// A Gaussian with a full covariance: z = mean + L e, where e is standard normal and L is lower triangular; theta holds the
// logarithms of its diagonal.
class FullBase final : public Base {
 public:
  explicit FullBase(Index dim) : Base(dim) { add_parameter("mean", dim, 1), add_parameter("log_cholesky", dim, dim); }
  std::unique_ptr<Base> clone() const override { return std::make_unique<FullBase>(*this); }
  BaseKind kind() const override { return BaseKind::full; }
  RowVector<double> log_density(ConstMatrixRef<double> z, ConstMatrixRef<double>) const override {
    return standard_normal_log_density<double>(whitened(z)).array() - raw().diagonal().sum();
  }
  void pullback(ConstMatrixRef<double> z, ConstMatrixRef<double>, double weight, MatrixRef<double> z_bar,
                VectorRef<double> theta_bar) const override {
    const Matrix<double> e = whitened(z), l = cholesky();
    z_bar = -weight * l.triangularView<Eigen::Lower>().transpose().solve(e);
    if (theta_bar.size() == 0) return;
    theta_bar.head(dim()) -= z_bar.rowwise().sum();
    // dlog p/dL = L^-T (e e^T) - diag(1 / L_ii) on the lower triangle, and on its diagonal the derivative by the logarithm.
    Matrix<double> l_bar = -(z_bar * e.transpose());
    for (Index i = 0; i < dim(); ++i)
      for (Index j = 0; j <= i; ++j)
        theta_bar[dim() + i * dim() + j] +=
            i == j ? l_bar(i, i) * l(i, i) - weight * static_cast<double>(z.cols()) : l_bar(i, j);
  }
  void sample(Engine& engine, MatrixRef<double> z, ConstMatrixRef<double>) const override {
    fill_normal<double>(engine, z);
    z = (cholesky() * z).eval().colwise() + Vector<double>(theta_.head(dim()));
  }

 private:
  using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  Matrix<double> raw() const { return Eigen::Map<const RowMajor>(theta_.data() + dim(), dim(), dim()); }
  Matrix<double> cholesky() const {
    Matrix<double> l = raw().triangularView<Eigen::StrictlyLower>();
    l.diagonal() = raw().diagonal().array().exp();
    return l;
  }
  Matrix<double> whitened(ConstMatrixRef<double> z) const {
    return cholesky().triangularView<Eigen::Lower>().solve(z.colwise() - Vector<double>(theta_.head(dim())));
  }
};

// A mixture of Gaussians with diagonal covariances: sum_j softmax(logits)_j N(mean_j, diag(exp(log_scale_j))^2).
class MixtureBase final : public Base {
 public:
  MixtureBase(Index dim, Index components, Engine& engine) : Base(dim), k_(components) {
    add_parameter("logits", k_, 1), add_parameter("mean", k_, dim), add_parameter("log_scale", k_, dim);
    for (Index i = 0; i < k_ * dim; ++i) theta_[k_ + i] = normal(engine);
    const double scale = -std::log(static_cast<double>(k_)) / static_cast<double>(dim);
    theta_.tail(k_ * dim).setConstant(scale);
  }
  std::unique_ptr<Base> clone() const override { return std::make_unique<MixtureBase>(*this); }
  BaseKind kind() const override { return BaseKind::mixture; }
  Index components() const override { return k_; }

  RowVector<double> log_density(ConstMatrixRef<double> z, ConstMatrixRef<double>) const override {
    const Matrix<double> joint = log_joint(z);
    RowVector<double> out(z.cols());
    for (Index b = 0; b < z.cols(); ++b) out[b] = log_sum_exp(joint.col(b).array());
    return out;
  }
  void pullback(ConstMatrixRef<double> z, ConstMatrixRef<double>, double weight, MatrixRef<double> z_bar,
                VectorRef<double> theta_bar) const override {
    const RowVector<double> log_p = log_density(z, Matrix<double>(0, 0));
    const Matrix<double> share = (log_joint(z).rowwise() - log_p).array().exp();  // responsibilities, k x B
    const Vector<double> p = weights();
    z_bar.setZero();
    const bool asked = theta_bar.size() > 0;
    if (asked) theta_bar.head(k_) += weight * (share.rowwise().sum() - p * static_cast<double>(z.cols()));
    for (Index j = 0; j < k_; ++j) {
      const Vector<double> inverse = (-log_scale(j)).array().exp();
      const Matrix<double> e = (z.colwise() - mean(j)).array().colwise() * inverse.array();
      const Matrix<double> pull = (e.array().rowwise() * (weight * share.row(j)).array()).colwise() * inverse.array();
      z_bar -= pull;
      if (!asked) continue;
      theta_bar.segment(k_ + j * dim(), dim()) += pull.rowwise().sum();
      theta_bar.segment(k_ + (k_ + j) * dim(), dim()).array() +=
          ((e.array().square() - 1).rowwise() * (weight * share.row(j)).array()).rowwise().sum();
    }
  }
  void sample(Engine& engine, MatrixRef<double> z, ConstMatrixRef<double>) const override {
    const Vector<double> p = weights();
    for (Index b = 0; b < z.cols(); ++b) {
      double left = uniform(engine);
      Index j = 0;
      while (j + 1 < k_ && left >= p[j]) left -= p[j++];
      for (Index i = 0; i < dim(); ++i) z(i, b) = mean(j)[i] + std::exp(log_scale(j)[i]) * normal(engine);
    }
  }

 private:
  Vector<double> weights() const {
    const Vector<double> e = (theta_.head(k_).array() - theta_.head(k_).maxCoeff()).exp();
    return e / e.sum();
  }
  Vector<double> mean(Index j) const { return theta_.segment(k_ + j * dim(), dim()); }
  Vector<double> log_scale(Index j) const { return theta_.segment(k_ + (k_ + j) * dim(), dim()); }
  Matrix<double> log_joint(ConstMatrixRef<double> z) const {
    Matrix<double> out(k_, z.cols());
    const Vector<double> p = weights();
    for (Index j = 0; j < k_; ++j) {
      const Matrix<double> e = (z.colwise() - mean(j)).array().colwise() * (-log_scale(j)).array().exp();
      out.row(j) = standard_normal_log_density<double>(e).array() - log_scale(j).sum() + std::log(p[j]);
    }
    return out;
  }
  Index k_;
};

class UniformBase final : public Base {
 public:
  explicit UniformBase(Index dim) : Base(dim) {}
  std::unique_ptr<Base> clone() const override { return std::make_unique<UniformBase>(*this); }
  BaseKind kind() const override { return BaseKind::uniform; }
  RowVector<double> log_density(ConstMatrixRef<double> z, ConstMatrixRef<double>) const override {
    const double inside = -static_cast<double>(dim()) * std::log(2 * half_);
    RowVector<double> out(z.cols());
    for (Index b = 0; b < z.cols(); ++b) {
      const double furthest = z.col(b).cwiseAbs().maxCoeff();
      out[b] = furthest <= half_ ? inside : -std::numeric_limits<double>::infinity();
      if (!z.col(b).allFinite()) out[b] = std::numeric_limits<double>::quiet_NaN();
    }
    return out;
  }
  void pullback(ConstMatrixRef<double>, ConstMatrixRef<double>, double, MatrixRef<double> z_bar,
                VectorRef<double>) const override {
    z_bar.setZero();
  }
  void sample(Engine& engine, MatrixRef<double> z, ConstMatrixRef<double>) const override {
    fill_uniform<double>(engine, z);
    z = (half_ * (2 * z.array() - 1)).matrix();
  }

 private:
  const double half_ = std::sqrt(3.0);
};

}  // namespace

const std::vector<std::string>& base_names() {
  static const std::vector<std::string> names = {"normal",       "diagonal",            "full",   "mixture",
                                                 "full_mixture", "conditional_mixture", "uniform"};
  return names;
}
BaseKind parse_base(const std::string& name) { return parse_named<BaseKind>("base", name, base_names()); }
std::string to_string(BaseKind kind) {
  return kind == BaseKind::flow_mixture ? "flow_mixture" : base_names()[static_cast<std::size_t>(kind)];
}

void Base::set_theta(ConstVectorRef<double> theta) {
  assert(theta.size() == theta_.size());
  if (theta_ == theta) return;  // theta_changed() may be expensive
  theta_ = theta;
  theta_changed();
}

Index Base::add_parameter(const std::string& name, Index rows, Index cols) {
  const Index offset = theta_.size();
  parameters_.push_back({name, rows, cols, offset, false});
  theta_.conservativeResize(offset + rows * cols);
  theta_.tail(rows * cols).setZero();
  return offset;
}

Matrix<double> Base::condition_pullback(ConstMatrixRef<double> z, ConstMatrixRef<double>, double) const {
  return Matrix<double>::Zero(condition_dim(), z.cols());
}

std::unique_ptr<Base> make_base(BaseKind kind, Index dim, Index components, Engine& engine, Index condition_dim) {
  require(dim >= 1, "dim", dim, ">= 1");
  require(components >= 1, "components", components, ">= 1");
  const auto size = static_cast<double>(dim);
  require_memory("base_components", components,
                 training_bytes(static_cast<double>(components) * size * (kind == BaseKind::mixture ? 2 : size)));
  const bool conditional = kind == BaseKind::conditional_mixture;
  if (conditional && condition_dim < 1)
    throw InputError("base = conditional_mixture: needs a condition; use full_mixture without one");
  switch (kind) {
    case BaseKind::normal: return std::make_unique<NormalBase>(dim);
    case BaseKind::diagonal: return std::make_unique<DiagonalBase>(dim);
    case BaseKind::full: return std::make_unique<FullBase>(dim);
    case BaseKind::mixture: return std::make_unique<MixtureBase>(dim, components, engine);
    case BaseKind::full_mixture:
    case BaseKind::conditional_mixture:
      return make_full_mixture(dim, components, conditional ? condition_dim : 0, engine);
    case BaseKind::uniform: return std::make_unique<UniformBase>(dim);
    case BaseKind::flow_mixture: throw InputError("base = flow_mixture: is made of trained flows; see flow_mixture()");
  }
  return nullptr;
}

template <class S> RowVector<double> standard_normal_log_density(ConstMatrixRef<S> z) {
  const double constant = static_cast<double>(z.rows()) * kHalfLogTwoPi;
  return (-0.5 * z.template cast<double>().colwise().squaredNorm()).array() - constant;
}

template RowVector<double> standard_normal_log_density<float>(ConstMatrixRef<float>);
template RowVector<double> standard_normal_log_density<double>(ConstMatrixRef<double>);

}  // namespace pathline

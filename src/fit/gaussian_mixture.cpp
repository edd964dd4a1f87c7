#include "pathline/fit/gaussian_mixture.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numbers>
#include <utility>

#include "core/option_check.hpp"
#include "pathline/core/error.hpp"

namespace pathline {
namespace {

constexpr Index kPointBlock = 256;  // points at a time: K x 256 doubles stay in the second-level cache

// Turns log-joints into responsibilities in place, and gives the log-density of each column.
void normalize(Matrix<double>& joint, Eigen::Ref<RowVector<double>> log_density) {
  for (Index b = 0; b < joint.cols(); ++b) {
    auto column = joint.col(b).array();
    const double top = column.maxCoeff<Eigen::PropagateNaN>();
    if (!std::isfinite(top)) {  // -inf: no component reaches this point; NaN: the point holds one
      log_density[b] = top;
      column.setConstant(std::isnan(top) ? top : 0.0);
      continue;
    }
    column = (column - top).exp();
    const double sum = column.sum();
    column *= 1 / sum;
    log_density[b] = top + std::log(sum);
  }
}

}  // namespace

GaussianMixture::GaussianMixture(Vector<double> weights, Matrix<double> means, std::vector<Matrix<double>> scales)
    : weights_(std::move(weights)), means_(std::move(means)), scales_(std::move(scales)) {
  const Index d = dim(), k = components();
  require(d >= 1 && k >= 1, "means", fmt::format("{} x {}", d, k), "of at least one row and one column");
  require(weights_.size() == k, "weights", weights_.size(), "as many as means");
  require(static_cast<Index>(scales_.size()) == k, "scales", scales_.size(), "as many as means");
  require(weights_.minCoeff() >= 0 && std::abs(weights_.sum() - 1) < 1e-8, "weights", weights_.sum(),
          ">= 0 and of sum 1");
  require(means_.allFinite(), "means", "a value", "finite");
  whitening_.resize(static_cast<std::size_t>(d));
  for (Index i = 0; i < d; ++i) whitening_[static_cast<std::size_t>(i)].resize(k, i + 1);
  offset_.resize(k, d);
  log_factor_.resize(k);
  for (Index j = 0; j < k; ++j) {
    const Matrix<double>& l = scale(j);
    require(l.rows() == d && l.cols() == d, "scales", fmt::format("{} x {}", l.rows(), l.cols()), "d x d");
    require(l.diagonal().minCoeff() > 0 && l.allFinite(), "scales", l.diagonal().minCoeff(),
            "finite, with a positive diagonal");
    const Matrix<double> inverse = l.triangularView<Eigen::Lower>().solve(Matrix<double>::Identity(d, d));
    for (Index i = 0; i < d; ++i) whitening_[static_cast<std::size_t>(i)].row(j) = inverse.row(i).head(i + 1);
    offset_.row(j) = (inverse * means_.col(j)).transpose();
    log_factor_[j] = std::log(weights_[j]) - l.diagonal().array().log().sum() -
                     0.5 * static_cast<double>(d) * std::log(2 * std::numbers::pi);
  }
}

void GaussianMixture::log_joint(ConstMatrixRef<double> x, Matrix<double>& joint, Matrix<double>& scratch) const {
  assert(x.rows() == dim());
  joint.setZero(components(), x.cols());
  scratch.resize(components(), x.cols());
  for (Index i = 0; i < dim(); ++i) {
    scratch.noalias() = whitening_[static_cast<std::size_t>(i)] * x.topRows(i + 1);
    for (Index b = 0; b < x.cols(); ++b) joint.col(b).array() += (scratch.col(b) - offset_.col(i)).array().square();
  }
  for (Index b = 0; b < x.cols(); ++b) joint.col(b) = log_factor_ - 0.5 * joint.col(b);
}

RowVector<double> GaussianMixture::log_density(ConstMatrixRef<double> x) const {
  RowVector<double> out(x.cols());
  Matrix<double> joint, scratch;
  for (Index begin = 0; begin < x.cols(); begin += kPointBlock) {
    const Index n = std::min(kPointBlock, x.cols() - begin);
    log_joint(x.middleCols(begin, n), joint, scratch);
    normalize(joint, out.segment(begin, n));
  }
  return out;
}

Matrix<double> GaussianMixture::responsibilities(ConstMatrixRef<double> x) const {
  RowVector<double> log_density(x.cols());
  Matrix<double> joint, scratch;
  log_joint(x, joint, scratch);
  normalize(joint, log_density);
  return joint;
}

// d log p/dx = -sum_k r_k L_k^-T (L_k^-1 (x - mean_k)).
void GaussianMixture::score(ConstMatrixRef<double> x, MatrixRef<double> score) const {
  assert(score.rows() == dim() && score.cols() == x.cols());
  Matrix<double> whitened;
  for (Index begin = 0; begin < x.cols(); begin += kPointBlock) {
    const Index n = std::min(kPointBlock, x.cols() - begin);
    const auto block = x.middleCols(begin, n);
    const Matrix<double> share = responsibilities(block);
    auto out = score.middleCols(begin, n);
    out.setZero();
    for (Index i = 0; i < dim(); ++i) {
      const Matrix<double>& slab = whitening_[static_cast<std::size_t>(i)];
      whitened.noalias() = slab * block.topRows(i + 1);
      for (Index b = 0; b < n; ++b)
        whitened.col(b).array() = (whitened.col(b) - offset_.col(i)).array() * share.col(b).array();
      out.topRows(i + 1).noalias() -= slab.transpose() * whitened;
    }
  }
}

void GaussianMixture::sample(Engine& engine, MatrixRef<double> x) const {
  assert(x.rows() == dim());
  for (Index b = 0; b < x.cols(); ++b) {
    double left = uniform(engine);
    Index k = 0;
    while (k + 1 < components() && left >= weights_[k]) left -= weights_[k++];
    Vector<double> e(dim());
    for (double& value : e) value = normal(engine);
    x.col(b) = means_.col(k) + scale(k).triangularView<Eigen::Lower>() * e;
  }
}

}  // namespace pathline

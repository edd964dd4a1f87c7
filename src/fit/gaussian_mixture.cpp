#include "pathline/fit/gaussian_mixture.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

#include "core/option_check.hpp"
#include "fit/whitened_distance.hpp"

namespace pathline {
namespace {

constexpr Index kPointBlock = 256;  // points at a time
constexpr double kLowest = -1e300;  // stands for the logarithm of 0 where differences are taken
constexpr Index kChunk = 32;        // components at a time: 256 x 32 doubles stay in the second-level cache

// Adds exp(terms) to a sum that is kept as exp(top) * sum. terms: n x k; top, sum: n; n a multiple of kLanes.
void add_exponentials(const Matrix<double>& terms, Index k, Vector<double>& top, Vector<double>& sum) {
  for (Index b = 0; b < terms.rows(); b += kLanes) {
    const auto part = terms.block(b, 0, kLanes, k).array();
    Lanes highest = top.segment<kLanes>(b);
    for (Index j = 0; j < k; ++j) highest = highest.max(part.col(j));
    Lanes total = sum.segment<kLanes>(b).array() * (top.segment<kLanes>(b).array() - highest).max(-700.0).exp();
    for (Index j = 0; j < k; ++j) total += exp_or_zero(part.col(j) - highest);
    top.segment<kLanes>(b) = highest, sum.segment<kLanes>(b) = total;
  }
}

// Turns the log-joints of each row into responsibilities.
void normalize(Matrix<double>& joint) {
  for (Index b = 0; b < joint.rows(); b += kLanes) {
    auto part = joint.middleRows<kLanes>(b).array();
    Lanes top = part.col(0), sum = Lanes::Zero();
    for (Index k = 1; k < part.cols(); ++k) top = top.max(part.col(k));
    top = top.max(kLowest);
    for (Index k = 0; k < part.cols(); ++k) {
      part.col(k) = exp_or_zero(part.col(k) - top);
      sum += part.col(k);
    }
    // No component reaches a point whose density is 0.
    const Lanes factor = (sum > 0).select(1 / sum, 0.0);
    for (Index k = 0; k < part.cols(); ++k) part.col(k) *= factor;
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
  whitening_.assign(static_cast<std::size_t>(k), Matrix<double>(d * (d + 1) / 2, 1));
  offset_.resize(d, k);
  log_factor_.resize(k);
  for (Index j = 0; j < k; ++j) {
    const Matrix<double>& l = scale(j);
    require(l.rows() == d && l.cols() == d, "scales", fmt::format("{} x {}", l.rows(), l.cols()), "d x d");
    require(l.diagonal().minCoeff() > 0 && l.allFinite(), "scales", l.diagonal().minCoeff(),
            "finite, with a positive diagonal");
    pack_inverse(l, whitening_[static_cast<std::size_t>(j)].data());
    offset_.col(j) = l.triangularView<Eigen::Lower>().solve(means_.col(j));
    log_factor_[j] = std::log(weights_[j]) - l.diagonal().array().log().sum() -
                     0.5 * static_cast<double>(d) * std::log(2 * std::numbers::pi);
  }
}

// The leading block of L_k is the factor of the leading block of the covariance.
GaussianMixture GaussianMixture::marginal(Index columns) const {
  require(columns >= 1 && columns <= dim(), "columns", columns, fmt::format("in [1, {}]", dim()));
  std::vector<Matrix<double>> scales;
  for (const auto& l : scales_) scales.push_back(l.topLeftCorner(columns, columns));
  return GaussianMixture(weights_, means_.topRows(columns), std::move(scales));
}

void GaussianMixture::log_joint(ConstMatrixRef<double> x, Matrix<double>& joint, Matrix<double>& scratch) const {
  assert(x.rows() == dim());
  gather_rows(x, 0, x.cols(), scratch);
  joint.resize(scratch.rows(), components());
  for (Index k = 0; k < components(); ++k)
    whitened_distance(scratch, whitening_[static_cast<std::size_t>(k)].data(), offset_.col(k).data(), log_factor_[k],
                      joint.col(k).data());
}

RowVector<double> GaussianMixture::log_density(ConstMatrixRef<double> x) const {
  assert(x.rows() == dim());
  RowVector<double> out(x.cols());
  Matrix<double> rows, terms;
  for (Index begin = 0; begin < x.cols(); begin += kPointBlock) {
    const Index n = std::min(kPointBlock, x.cols() - begin);
    gather_rows(x, begin, n, rows);
    terms.resize(rows.rows(), kChunk);
    Vector<double> top = Vector<double>::Constant(rows.rows(), kLowest), sum = Vector<double>::Zero(rows.rows());
    for (Index first = 0; first < components(); first += kChunk) {
      const Index count = std::min(kChunk, components() - first);
      for (Index j = 0; j < count; ++j)
        whitened_distance(rows, whitening_[static_cast<std::size_t>(first + j)].data(), offset_.col(first + j).data(),
                          log_factor_[first + j], terms.col(j).data());
      add_exponentials(terms, count, top, sum);
    }
    for (Index b = 0; b < n; ++b) {
      const auto point = x.col(begin + b);
      const double far = point.hasNaN() ? std::nan("") : -std::numeric_limits<double>::infinity();
      out[begin + b] = in_reach(point) ? top[b] + std::log(sum[b]) : far;
    }
  }
  return out;
}

Matrix<double> GaussianMixture::responsibilities(ConstMatrixRef<double> x) const {
  Matrix<double> joint, scratch;
  log_joint(x, joint, scratch);
  normalize(joint);
  Matrix<double> out = joint.topRows(x.cols()).transpose();
  for (Index b = 0; b < x.cols(); ++b)
    if (!in_reach(x.col(b))) out.col(b).setConstant(x.col(b).hasNaN() ? std::nan("") : 0.0);
  return out;
}

namespace {

// sum += weight * L^-T (offset - L^-1 x), where `packed` is the packed L^-1.
void add_pull(const Matrix<double>& packed, ConstVectorRef<double> offset, ConstVectorRef<double> x, double weight,
              Vector<double>& whitened, VectorRef<double> sum) {
  const Index d = x.size();
  const double* row = packed.data();
  for (Index i = 0; i < d; row += ++i) whitened[i] = offset[i] - ConstVectorMap<double>(row, i + 1).dot(x.head(i + 1));
  row = packed.data();
  for (Index i = 0; i < d; row += ++i) sum.head(i + 1) += weight * whitened[i] * ConstVectorMap<double>(row, i + 1);
}

}  // namespace

// d log p/dx = -sum_k r_k L_k^-T (L_k^-1 (x - mean_k)), without responsibilities below 1e-14.
void GaussianMixture::score(ConstMatrixRef<double> x, MatrixRef<double> score) const {
  assert(score.rows() == dim() && score.cols() == x.cols());
  Matrix<double> share, rows;
  Vector<double> whitened(dim());
  score.setZero();
  for (Index begin = 0; begin < x.cols(); begin += kPointBlock) {
    const Index n = std::min(kPointBlock, x.cols() - begin);
    log_joint(x.middleCols(begin, n), share, rows);
    normalize(share);
    for (Index k = 0; k < components(); ++k)
      for (Index b = 0; b < n; ++b)
        if (share(b, k) > 1e-14)
          add_pull(whitening_[static_cast<std::size_t>(k)], offset_.col(k), x.col(begin + b), share(b, k), whitened,
                   score.col(begin + b));
  }
  for (Index b = 0; b < x.cols(); ++b)
    if (!in_reach(x.col(b))) score.col(b).setConstant(std::nan(""));
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

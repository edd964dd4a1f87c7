#include "pathline/fit/conditional_mixture.hpp"

#include <cassert>
#include <limits>
#include <utility>

#include "core/option_check.hpp"

namespace pathline {
namespace {

Matrix<double> stacked(ConstMatrixRef<double> c, ConstMatrixRef<double> x) {
  assert(c.cols() == x.cols());
  Matrix<double> out(c.rows() + x.rows(), x.cols());
  out << c, x;
  return out;
}

}  // namespace

ConditionalMixture::ConditionalMixture(GaussianMixture joint, Index condition_dim)
    : joint_(std::move(joint)), condition_dim_(condition_dim) {
  require(condition_dim >= 0 && condition_dim < joint_.dim(), "condition_dim", condition_dim,
          fmt::format("in [0, {})", joint_.dim()));
  if (condition_dim > 0) marginal_ = joint_.marginal(condition_dim);
}

RowVector<double> ConditionalMixture::log_density(ConstMatrixRef<double> x, ConstMatrixRef<double> c) const {
  if (!marginal_) return joint_.log_density(x);
  RowVector<double> out = joint_.log_density(stacked(c, x));
  const RowVector<double> of_condition = marginal_->log_density(c);
  for (Index b = 0; b < out.size(); ++b)  // 0 where the density of the condition underflows to 0
    if (of_condition[b] != -std::numeric_limits<double>::infinity()) out[b] -= of_condition[b];
  return out;
}

void ConditionalMixture::score(ConstMatrixRef<double> x, ConstMatrixRef<double> c, MatrixRef<double> of_x,
                               MatrixRef<double> of_c) const {
  if (!marginal_) return joint_.score(x, of_x);
  Matrix<double> all(joint_.dim(), x.cols());
  joint_.score(stacked(c, x), all);
  of_x = all.bottomRows(dim());
  marginal_->score(c, of_c);
  of_c = all.topRows(condition_dim_) - of_c;
}

void ConditionalMixture::sample(Engine& engine, ConstMatrixRef<double> c, MatrixRef<double> x) const {
  if (!marginal_) return joint_.sample(engine, x);
  assert(c.rows() == condition_dim_ && c.cols() == x.cols() && x.rows() == dim());
  const Matrix<double> share = marginal_->responsibilities(c);
  Vector<double> e(joint_.dim());
  for (Index b = 0; b < x.cols(); ++b) {
    double left = uniform(engine);
    Index k = 0;
    while (k + 1 < share.rows() && left >= share(k, b)) left -= share(k++, b);
    const auto& l = joint_.scale(k);
    e.head(condition_dim_) = marginal_->scale(k).triangularView<Eigen::Lower>().solve(c.col(b) - marginal_->means().col(k));
    for (double& value : e.tail(dim())) value = normal(engine);
    x.col(b) = joint_.means().col(k).tail(dim()) + l.bottomRows(dim()) * e;
  }
}

}  // namespace pathline

#include "pathline/regression/loss.hpp"

#include <cassert>
#include <cmath>

#include <fmt/format.h>

#include "core/named_value.hpp"
#include "core/option_check.hpp"

namespace pathline {
namespace {

// Softmax and its logarithm, with the largest logit taken off so that no exponential overflows.
template <class S> double cross_entropy(ConstMatrixRef<S> logits, ConstMatrixRef<S> target, MatrixRef<S> bar) {
  const double share = 1 / static_cast<double>(logits.cols());
  double sum = 0;
  for (Index b = 0; b < logits.cols(); ++b) {
    const Vector<double> shifted = (logits.col(b).array() - logits.col(b).maxCoeff()).matrix().template cast<double>();
    const Vector<double> t = target.col(b).template cast<double>();
    const double log_total = std::log(shifted.array().exp().sum());
    sum -= t.dot((shifted.array() - log_total).matrix());
    bar.col(b) = (share * (t.sum() * (shifted.array() - log_total).exp() - t.array())).matrix().template cast<S>();
  }
  return share * sum;
}

}  // namespace

const std::vector<std::string>& loss_names() {
  static const std::vector<std::string> names = {"mse", "weighted_mse", "cross_entropy"};
  return names;
}
LossKind parse_loss(const std::string& name) { return parse_named<LossKind>("loss", name, loss_names()); }
std::string to_string(LossKind kind) { return loss_names()[static_cast<std::size_t>(kind)]; }

void RegressionLoss::check(Index outputs) const {
  if (kind != LossKind::weighted_mse) {
    if (weights.size() > 0)
      throw InputError(fmt::format("weights apply only to the loss weighted_mse, not {}", to_string(kind)));
    return;
  }
  if (weights.size() != outputs)
    throw InputError(fmt::format("weights: found {}, expected one for each of {} outputs", weights.size(), outputs));
  for (Index i = 0; i < outputs; ++i)
    require(weights[i] >= 0 && std::isfinite(weights[i]), fmt::format("weights[{}]", i), weights[i], ">= 0 and finite");
  require(weights.sum() > 0, "the sum of the weights", weights.sum(), "> 0");
}

template <class S>
double RegressionLoss::operator()(ConstMatrixRef<S> prediction, ConstMatrixRef<S> target, MatrixRef<S> bar) const {
  assert(prediction.rows() == target.rows() && prediction.cols() == target.cols());
  if (kind == LossKind::cross_entropy) return cross_entropy<S>(prediction, target, bar);
  const double share = 1 / static_cast<double>(prediction.size());
  bar = prediction - target;
  double loss = 0;
  for (Index i = 0; i < bar.rows(); ++i) {
    const double weight = share * (kind == LossKind::mse ? 1 : weights[i]);
    loss += weight * bar.row(i).template cast<double>().squaredNorm();
    bar.row(i) *= static_cast<S>(2 * weight);
  }
  return loss;
}

template <class S> Matrix<S> one_hot(const std::vector<Index>& labels, Index classes) {
  Matrix<S> out = Matrix<S>::Zero(classes, static_cast<Index>(labels.size()));
  for (std::size_t b = 0; b < labels.size(); ++b) {
    require(labels[b] >= 0 && labels[b] < classes, fmt::format("the class of row {}", b + 1), labels[b],
            fmt::format("one of 0 ... {}", classes - 1));
    out(labels[b], static_cast<Index>(b)) = 1;
  }
  return out;
}

#define PATHLINE_INSTANTIATE(S)                                                                            \
  template double RegressionLoss::operator()<S>(ConstMatrixRef<S>, ConstMatrixRef<S>, MatrixRef<S>) const; \
  template Matrix<S> one_hot<S>(const std::vector<Index>&, Index);
PATHLINE_INSTANTIATE(float)
PATHLINE_INSTANTIATE(double)
#undef PATHLINE_INSTANTIATE

}  // namespace pathline

/// FFJORD's moving batch norm: an affine map with the running statistics of what it has seen in training.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "pathline/transform/transform.hpp"

namespace pathline {

/// The map from the data to the base is y = (x - mean) / sqrt(variance + epsilon) * exp(log_weight) + bias (Grathwohl
/// et al. 2019, their MovingBatchNorm with bn_lag = 0: training too divides by the running statistics, which are
/// constants of the gradient). Parameters: log_weight, which FFJORD calls `weight`, and bias.
template <class S> class BatchNorm final : public Transform<S> {
 public:
  explicit BatchNorm(Index dim);

  std::unique_ptr<Transform<S>> clone() const override { return std::make_unique<BatchNorm>(*this); }
  std::string kind() const override { return "batch_norm"; }
  std::string prefix() const override { return "norms"; }
  Attributes describe() const override { return {{"epsilon", epsilon}, {"mean", mean}, {"variance", variance}}; }

  Index parameter_count() const override { return 2 * this->dim(); }
  std::vector<Parameter> parameters() const override;
  Vector<double> theta() const override;
  void set_theta(ConstVectorRef<double> theta) override;

  SolveReport apply(Direction direction, MatrixRef<S> z, RowVector<double>* log_det, const TransformContext<S>& context,
                    TransformTape<S>* tape) const override;
  std::unique_ptr<TransformTape<S>> make_tape() const override;
  SolveReport pullback(Direction direction, const TransformTape<S>& tape, TransformCotangent<S> to,
                       const TransformContext<S>& context) const override;

  /// mean and variance of a batch of n >= 2 move the running ones; the variance is sum of squares / (n - 1).
  bool gathers() const override { return true; }
  void update(const BatchStatistics& batch) override;

  Vector<double> slope() const;  ///< dy/dx, d
  Vector<double> shift() const;  ///< y = slope x + shift
  double log_slope() const;      ///< log |det dy/dx|

  Vector<double> mean, variance;    ///< d: running
  Vector<double> log_weight, bias;  ///< d: trained
  double epsilon = 1e-4, decay = 0.1;
};

extern template class BatchNorm<float>;
extern template class BatchNorm<double>;

}  // namespace pathline

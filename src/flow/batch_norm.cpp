#include "pathline/flow/batch_norm.hpp"

namespace pathline {

BatchNorm::BatchNorm(Index dim)
    : mean(Vector<double>::Zero(dim)),
      variance(Vector<double>::Ones(dim)),
      log_weight(Vector<double>::Zero(dim)),
      bias(Vector<double>::Zero(dim)) {}

Vector<double> BatchNorm::slope() const {
  return log_weight.array().exp() / (variance.array() + epsilon).sqrt();
}

Vector<double> BatchNorm::shift() const { return bias.array() - slope().array() * mean.array(); }

double BatchNorm::log_slope() const {
  return log_weight.sum() - 0.5 * (variance.array() + epsilon).log().sum();
}

void BatchNorm::update(const Vector<double>& batch_mean, const Vector<double>& batch_variance) {
  mean += decay * (batch_mean - mean);
  variance += decay * (batch_variance - variance);
}

}  // namespace pathline

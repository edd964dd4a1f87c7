#include "pathline/transform/batch_norm.hpp"

namespace pathline {
namespace {

template <class S> struct NormTape final : TransformTape<S> {
  Matrix<S> base;  // z on the side of the base, d x B
};

}  // namespace

template <class S> BatchNorm<S>::BatchNorm(Index dim)
    : Transform<S>(dim),
      mean(Vector<double>::Zero(dim)),
      variance(Vector<double>::Ones(dim)),
      log_weight(Vector<double>::Zero(dim)),
      bias(Vector<double>::Zero(dim)) {}

template <class S> std::vector<Parameter> BatchNorm<S>::parameters() const {
  const Index d = this->dim();
  return {{"weight", d, 1, 0, false}, {"bias", d, 1, d, false}};
}

template <class S> Vector<double> BatchNorm<S>::theta() const {
  Vector<double> out(parameter_count());
  out << log_weight, bias;
  return out;
}

template <class S> void BatchNorm<S>::set_theta(ConstVectorRef<double> theta) {
  log_weight = theta.head(this->dim()), bias = theta.tail(this->dim());
}

template <class S> Vector<double> BatchNorm<S>::slope() const {
  return log_weight.array().exp() / (variance.array() + epsilon).sqrt();
}

template <class S> Vector<double> BatchNorm<S>::shift() const { return bias.array() - slope().array() * mean.array(); }

template <class S> double BatchNorm<S>::log_slope() const {
  return log_weight.sum() - 0.5 * (variance.array() + epsilon).log().sum();
}

template <class S> SolveReport BatchNorm<S>::apply(Direction direction, MatrixRef<S> z, RowVector<double>* log_det,
                                                   const TransformContext<S>&, TransformTape<S>* to) const {
  auto* tape = static_cast<NormTape<S>*>(to);
  const Vector<S> slope_s = slope().template cast<S>(), shift_s = shift().template cast<S>();
  const bool up = direction == Direction::base_to_data;
  if (up) {
    if (tape) tape->base = z;
    z = (z.array().colwise() - shift_s.array()).colwise() / slope_s.array();
  } else if (tape) {
    tape->base = z;
    tape->base = (tape->base.array().colwise() * slope_s.array()).colwise() + shift_s.array();
    z = tape->base;
  } else {
    z = (z.array().colwise() * slope_s.array()).colwise() + shift_s.array();
  }
  const double log_det_each = up ? -log_slope() : log_slope();
  if (log_det) log_det->array() += log_det_each;
  if (tape) tape->log_det = log_det_each * static_cast<double>(z.cols());
  return Transform<S>::done();
}

template <class S> std::unique_ptr<TransformTape<S>> BatchNorm<S>::make_tape() const {
  return std::make_unique<NormTape<S>>();
}

// y = slope x + shift is on the side of the base, and log|slope| the log-determinant towards it. For the log-weight w,
// dy/dw = y - bias at fixed x, dx/dw = -(y - bias) / slope at fixed y, and dlog|slope|/dw = 1.
template <class S> SolveReport BatchNorm<S>::pullback(Direction direction, const TransformTape<S>& from,
                                                      TransformCotangent<S> to, const TransformContext<S>&) const {
  const auto& tape = static_cast<const NormTape<S>&>(from);
  const Index d = this->dim();
  const bool up = direction == Direction::base_to_data;
  const Vector<S> slope_s = slope().template cast<S>();
  if (up) to.z = to.z.array().colwise() / slope_s.array();
  if (to.theta.size() > 0) {
    // The cotangent of y at fixed x. Towards the data it is minus that of x, divided by the slope.
    const Matrix<double> y_bar = to.z.template cast<double>(), y = tape.base.template cast<double>();
    const double sign = up ? -1 : 1;
    to.theta.head(d) += sign * ((y_bar.array() * (y.colwise() - bias).array()).matrix().rowwise().sum() +
                                Vector<double>::Constant(d, to.log_det.sum()));
    to.theta.tail(d) += sign * y_bar.rowwise().sum();
  }
  if (!up) to.z = to.z.array().colwise() * slope_s.array();
  return Transform<S>::done();
}

template <class S> void BatchNorm<S>::update(const BatchStatistics& batch) {
  mean += decay * (batch.mean - mean);
  variance += decay * (batch.variance - variance);
}

template class BatchNorm<float>;
template class BatchNorm<double>;

}  // namespace pathline

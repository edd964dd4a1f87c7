#include "pathline/transform/linear.hpp"

#include <fmt/format.h>

#include "pathline/core/error.hpp"

namespace pathline {

template <class S> Linear<S>::Linear(const Matrix<double>& lower)
    : Transform<S>(lower.rows()), lower_(lower.triangularView<Eigen::Lower>()) {
  if (lower.rows() != lower.cols())
    throw InputError(fmt::format("linear: {} x {}: must be square", lower.rows(), lower.cols()));
  if (!lower_.allFinite() || !(lower_.diagonal().minCoeff() > 0))
    throw InputError("linear: must be finite, with a diagonal > 0");
}

template <class S> SolveReport Linear<S>::apply(Direction direction, MatrixRef<S> z, RowVector<double>* log_det,
                                                const TransformContext<S>&, TransformTape<S>* tape) const {
  const bool up = direction == Direction::base_to_data;
  Matrix<double> x = z.template cast<double>();
  if (up)
    x = (lower_.triangularView<Eigen::Lower>() * x).eval();
  else
    lower_.triangularView<Eigen::Lower>().solveInPlace(x);
  z = x.template cast<S>();
  const double each = (up ? 1 : -1) * lower_.diagonal().array().log().sum();
  if (log_det) log_det->array() += each;
  if (tape) tape->log_det = each * static_cast<double>(z.cols());
  return Transform<S>::done();
}

template <class S> SolveReport Linear<S>::pullback(Direction direction, const TransformTape<S>&,
                                                   TransformCotangent<S> to, const TransformContext<S>&) const {
  Matrix<double> bar = to.z.template cast<double>();
  if (direction == Direction::base_to_data)
    bar = (lower_.transpose().template triangularView<Eigen::Upper>() * bar).eval();
  else
    lower_.transpose().template triangularView<Eigen::Upper>().solveInPlace(bar);
  to.z = bar.template cast<S>();
  return Transform<S>::done();
}

template class Linear<float>;
template class Linear<double>;

}  // namespace pathline

#include "pathline/transform/affine.hpp"

#include <cassert>

namespace pathline {

template <class S> Affine<S>::Affine(Vector<double> m, Vector<double> s)
    : Transform<S>(m.size()), mean(std::move(m)), scale(std::move(s)) {
  assert(mean.size() == scale.size() && scale.minCoeff() > 0);
}

template <class S> SolveReport Affine<S>::apply(Direction direction, MatrixRef<S> z, RowVector<double>* log_det,
                                                const TransformContext<S>&, TransformTape<S>* tape) const {
  const bool up = direction == Direction::base_to_data;
  const auto& m = mean.template cast<S>();  // no copies, which would take a notable part of a call with one point
  const auto& s = scale.template cast<S>();
  if (up) {
    const Matrix<S> x = (z.array().colwise() * s.array()).matrix().colwise() + m;
    z = x;
  } else {
    z = (z.colwise() - m).array().colwise() / s.array();
  }
  const double log_scale = scale.array().log().sum();
  if (log_det) log_det->array() += up ? log_scale : -log_scale;
  if (tape) tape->log_det = (up ? log_scale : -log_scale) * static_cast<double>(z.cols());
  return Transform<S>::done();
}

template <class S> SolveReport Affine<S>::pullback(Direction direction, const TransformTape<S>&,
                                                   TransformCotangent<S> to, const TransformContext<S>&) const {
  const Vector<S> s = scale.template cast<S>();
  if (direction == Direction::base_to_data)
    to.z = to.z.array().colwise() * s.array();
  else
    to.z = to.z.array().colwise() / s.array();
  return Transform<S>::done();
}

template class Affine<float>;
template class Affine<double>;

}  // namespace pathline

#include "pathline/transform/explicit_transform.hpp"

namespace pathline {
namespace {

template <class S> struct ExplicitTape final : TransformTape<S> {
  Matrix<double> base;  // z on the base's side: d x B
};

}  // namespace

template <class S> SolveReport ExplicitTransform<S>::apply(Direction direction, MatrixRef<S> z,
                                                           RowVector<double>* log_det, const TransformContext<S>&,
                                                           TransformTape<S>* to) const {
  const bool up = direction == Direction::base_to_data;
  const Matrix<double> in = z.template cast<double>();
  const Matrix<double> base = up ? in : inverse(in);
  Matrix<double> data(in.rows(), in.cols());
  RowVector<double> each(in.cols());
  forward(base, data, each);
  z = (up ? data : base).template cast<S>();
  if (!up) each = -each;
  if (log_det) *log_det += each;
  if (auto* tape = static_cast<ExplicitTape<S>*>(to)) tape->base = base, tape->log_det = each.sum();
  return Transform<S>::done();
}

template <class S> std::unique_ptr<TransformTape<S>> ExplicitTransform<S>::make_tape() const {
  return std::make_unique<ExplicitTape<S>>();
}

// The pullback of the inverse: z(y, theta) with g(z, theta) = y gives dz = J^-1 (dy - dg/dtheta dtheta), and its
// log-determinant is -L(z, theta). With v = z_bar - l_bar dL/dz and y_bar = J^-T v, what remains is the pullback of g with
// the cotangents (-y_bar, -l_bar).
template <class S> SolveReport ExplicitTransform<S>::pullback(Direction direction, const TransformTape<S>& from,
                                                              TransformCotangent<S> to,
                                                              const TransformContext<S>&) const {
  const auto& tape = static_cast<const ExplicitTape<S>&>(from);
  const Matrix<double> bar = to.z.template cast<double>();
  if (direction == Direction::base_to_data) {
    to.z = pull(tape.base, bar, to.log_det, to.theta).template cast<S>();
    return Transform<S>::done();
  }
  Vector<double> none;
  const RowVector<double> l_bar = -to.log_det;
  const Matrix<double> v = bar + pull(tape.base, Matrix<double>::Zero(bar.rows(), bar.cols()), l_bar, none);
  const Matrix<double> y_bar = solve_transpose(tape.base, v);
  if (to.theta.size() > 0) pull(tape.base, -y_bar, l_bar, to.theta);
  to.z = y_bar.template cast<S>();
  return Transform<S>::done();
}

template class ExplicitTransform<float>;
template class ExplicitTransform<double>;

}  // namespace pathline

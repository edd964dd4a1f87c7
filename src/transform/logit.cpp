#include "pathline/transform/logit.hpp"

#include <cassert>
#include <cmath>

#include <fmt/format.h>

#include "pathline/core/error.hpp"

namespace pathline {
namespace {

// t = alpha + (1 - 2 alpha) x = sigmoid(y).
template <class S> struct LogitTape final : TransformTape<S> {
  Matrix<S> t;             // d x B
  Matrix<S> t_complement;  // 1 - t, which cannot be computed from a t that was rounded to 1
};

// alpha + (1 - 2 alpha) x, in (0, 1).
template <class S> Matrix<S> squeezed(ConstMatrixRef<S> x, double alpha, Index first_sample) {
  const S a = static_cast<S>(alpha), slope = static_cast<S>(1 - 2 * alpha);
  Matrix<S> t = (a + slope * x.array()).matrix();
  for (Index j = 0; j < t.cols(); ++j)
    for (Index i = 0; i < t.rows(); ++i)
      if (!(t(i, j) > 0 && t(i, j) < 1))
        throw InputError(fmt::format("point {}, column {}: {}: the logit transform of the model needs values in [0, 1]",
                                     first_sample + j + 1, i + 1, x(i, j)));
  return t;
}

}  // namespace

template <class S> Logit<S>::Logit(Index dim, double a) : Transform<S>(dim), alpha(a) {
  assert(alpha >= 0 && alpha < 0.5);
}

template <class S> SolveReport Logit<S>::apply(Direction direction, MatrixRef<S> z, RowVector<double>* log_det,
                                               const TransformContext<S>& context, TransformTape<S>* to) const {
  auto* tape = static_cast<LogitTape<S>*>(to);
  const S a = static_cast<S>(alpha), width = static_cast<S>(1 - 2 * alpha);
  RowVector<double> each;
  if (direction == Direction::data_to_base) {
    const Matrix<S> t = squeezed<S>(z, alpha, context.first_sample);
    const Matrix<S> y = (t.array() / (1 - t.array())).log();
    if (log_det) each = -(t.array() * (1 - t.array()) / width).log().matrix().colwise().sum().template cast<double>();
    if (tape) tape->t = t, tape->t_complement = 1 - t.array();
    z = y;
  } else {
    const Matrix<S> y = z;
    if (log_det) {
      // log t (1 - t) is computed from y: from x it would be lost where t was rounded to 0 or 1.
      const Matrix<S> size = y.cwiseAbs();
      each = (-size.array() - 2 * (-size.array()).exp().log1p() - std::log(width))
                 .matrix()
                 .colwise()
                 .sum()
                 .template cast<double>();
    }
    const Matrix<S> t = (1 + (-y.array()).exp()).inverse();
    if (tape) tape->t = t, tape->t_complement = (1 + y.array().exp()).inverse();
    const Matrix<S> x = (t.array() - a) / width;
    z = x;
  }
  if (log_det) *log_det += each;
  if (tape) tape->log_det = log_det ? each.sum() : std::nan("");
  return Transform<S>::done();
}

template <class S> std::unique_ptr<TransformTape<S>> Logit<S>::make_tape() const {
  return std::make_unique<LogitTape<S>>();
}

// y = log t - log(1 - t): dy/dt = 1 / (t (1 - t)); d/dt log(t (1 - t)) = (1 - 2 t) / (t (1 - t)).
template <class S> SolveReport Logit<S>::pullback(Direction direction, const TransformTape<S>& from,
                                                  TransformCotangent<S> to, const TransformContext<S>&) const {
  const auto& tape = static_cast<const LogitTape<S>&>(from);
  const S width = static_cast<S>(1 - 2 * alpha);
  const Matrix<S> slope = (tape.t.array() * tape.t_complement.array()) / width;  // dx/dy
  const RowVector<S> weight = to.log_det.template cast<S>();
  const Matrix<S> bend = (tape.t_complement - tape.t).array().rowwise() * weight.array();  // weight (1 - 2 t)
  const Matrix<S> z_bar = to.z;
  if (direction == Direction::data_to_base)
    to.z = (z_bar - bend).array() / slope.array();
  else
    to.z = (z_bar.array() * slope.array()).matrix() + bend;
  return Transform<S>::done();
}

template class Logit<float>;
template class Logit<double>;

}  // namespace pathline

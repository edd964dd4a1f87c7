/// \file
/// The common part of transforms whose map from the base to the data is a formula with trained parameters.
#pragma once

#include <memory>

#include "pathline/transform/transform.hpp"

namespace pathline {

/// y = g(z), z on the base's side. A derived class gives g, its inverse and their derivatives; the pullback of the
/// inverse follows from those of g by the implicit function theorem. All is computed in double.
template <class S> class ExplicitTransform : public Transform<S> {
 public:
  SolveReport apply(Direction direction, MatrixRef<S> z, RowVector<double>* log_det, const TransformContext<S>& context,
                    TransformTape<S>* tape) const final;
  std::unique_ptr<TransformTape<S>> make_tape() const final;
  SolveReport pullback(Direction direction, const TransformTape<S>& tape, TransformCotangent<S> to,
                       const TransformContext<S>& context) const final;

 protected:
  using Transform<S>::Transform;

  /// Writes y (d x B) and L = log|det dy/dz| (1 x B).
  virtual void forward(const Matrix<double>& z, Matrix<double>& y, RowVector<double>& log_det) const = 0;
  virtual Matrix<double> inverse(const Matrix<double>& y) const = 0;  ///< z (d x B) of y (d x B)
  /// Returns the gradient of sum(y_bar . y) + sum(l_bar L) by z (d x B) and adds that by theta, unless it is empty.
  virtual Matrix<double> pull(const Matrix<double>& z, const Matrix<double>& y_bar, const RowVector<double>& l_bar,
                              VectorRef<double> theta_bar) const = 0;
  /// (dy/dz)^-T v of each sample; v: d x B.
  virtual Matrix<double> solve_transpose(const Matrix<double>& z, const Matrix<double>& v) const = 0;
};

extern template class ExplicitTransform<float>;
extern template class ExplicitTransform<double>;

}  // namespace pathline

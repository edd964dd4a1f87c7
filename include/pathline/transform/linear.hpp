/// \file
/// The linear map x = L z, which decorrelates nearly collinear columns.
#pragma once

#include <memory>
#include <string>

#include "pathline/transform/transform.hpp"

namespace pathline {

/// The map x = L z from the base to the data with L lower triangular and its diagonal > 0: log|det| = sum log L_ii. It
/// has no trained parameters.
template <class S> class Linear final : public Transform<S> {
 public:
  /// lower: d x d; elements above the diagonal are not used. Throws InputError for a number that is not finite and a
  /// diagonal that is not > 0.
  explicit Linear(const Matrix<double>& lower);

  std::unique_ptr<Transform<S>> clone() const override { return std::make_unique<Linear>(*this); }
  std::string kind() const override { return "linear"; }
  SolveReport apply(Direction direction, MatrixRef<S> z, RowVector<double>* log_det, const TransformContext<S>& context,
                    TransformTape<S>* tape) const override;
  SolveReport pullback(Direction direction, const TransformTape<S>& tape, TransformCotangent<S> to,
                       const TransformContext<S>& context) const override;

  const Matrix<double>& lower() const { return lower_; }  ///< d x d, zeros above the diagonal

 private:
  Matrix<double> lower_;
};

extern template class Linear<float>;
extern template class Linear<double>;

}  // namespace pathline

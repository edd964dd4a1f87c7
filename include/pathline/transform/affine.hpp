/// The affine map x = mean + scale z of each column, which standardizes the data.
#pragma once

#include <memory>
#include <string>

#include "pathline/transform/transform.hpp"

namespace pathline {

/// The map x = mean + scale z from the base to the data, with log|det| = sum log scale. It has no trained parameters.
template <class S> class Affine final : public Transform<S> {
 public:
  /// mean and scale have d elements each; scale > 0.
  Affine(Vector<double> mean, Vector<double> scale);

  std::unique_ptr<Transform<S>> clone() const override { return std::make_unique<Affine>(*this); }
  std::string kind() const override { return "affine"; }
  Attributes describe() const override { return {{"mean", mean}, {"scale", scale}}; }
  SolveReport apply(Direction direction, MatrixRef<S> z, RowVector<double>* log_det, const TransformContext<S>& context,
                    TransformTape<S>* tape) const override;
  SolveReport pullback(Direction direction, const TransformTape<S>& tape, TransformCotangent<S> to,
                       const TransformContext<S>& context) const override;

  Vector<double> mean, scale;  ///< d
};

extern template class Affine<float>;
extern template class Affine<double>;

}  // namespace pathline

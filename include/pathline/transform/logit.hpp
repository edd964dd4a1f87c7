/// The logit of data in [0, 1].
#pragma once

#include <memory>
#include <string>

#include "pathline/transform/transform.hpp"

namespace pathline {

/// The map from the data to the base is y = logit(alpha + (1 - 2 alpha) x) (Papamakarios et al. 2017, section 4.1): the
/// box that it takes is wider than [0, 1] by alpha / (1 - 2 alpha) on every side. Fixed: no parameters.
template <class S> class Logit final : public Transform<S> {
 public:
  Logit(Index dim, double alpha);  ///< alpha in [0, 0.5); 0: data in (0, 1) alone

  std::unique_ptr<Transform<S>> clone() const override { return std::make_unique<Logit>(*this); }
  std::string kind() const override { return "logit"; }
  Attributes describe() const override { return {{"alpha", alpha}}; }
  /// InputError naming the point and column that is outside of the box.
  SolveReport apply(Direction direction, MatrixRef<S> z, RowVector<double>* log_det, const TransformContext<S>& context,
                    TransformTape<S>* tape) const override;
  std::unique_ptr<TransformTape<S>> make_tape() const override;
  SolveReport pullback(Direction direction, const TransformTape<S>& tape, TransformCotangent<S> to,
                       const TransformContext<S>& context) const override;

  double alpha;
};

extern template class Logit<float>;
extern template class Logit<double>;

}  // namespace pathline

/// \file
/// Columns with a lower bound, an upper bound, or both.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "pathline/transform/transform.hpp"

namespace pathline {

/// From the data to the base, for each column x by its bounds (Stan reference manual, "Constraint transforms"):
///
///     low only    y = log(x - low)                  log dy/dx = -log(x - low)
///     high only   y = -log(high - x)                log dy/dx = -log(high - x)
///     both        y = log((x - low) / (high - x))   log dy/dx = log(width) - log(x - low) - log(high - x)
///     neither     y = x
///
/// The density is 0 outside: log|det| is -infinity there, and y is 0. Samples are always strictly inside. A value
/// exactly at a bound is taken as `inset` inside it, because a rounded value may stand at a bound where the density has
/// none; with inset = 0 the density is 0 at the bound too. Fixed: no parameters.
template <class S> class Bounds final : public Transform<S> {
 public:
  /// low, high: d; -infinity and infinity for no bound. inset: d, >= 0; empty: zeros. Throws InputError that names the
  /// column (counted from 1) if a bound is NaN or low + inset < high - inset does not hold.
  Bounds(Vector<double> low, Vector<double> high, Vector<double> inset = {});

  std::unique_ptr<Transform<S>> clone() const override { return std::make_unique<Bounds>(*this); }
  std::string kind() const override { return "bounds"; }
  Attributes describe() const override { return {{"low", low_}, {"high", high_}, {"inset", inset_}}; }
  SolveReport apply(Direction direction, MatrixRef<S> z, RowVector<double>* log_det, const TransformContext<S>& context,
                    TransformTape<S>* tape) const override;
  std::unique_ptr<TransformTape<S>> make_tape() const override;
  SolveReport pullback(Direction direction, const TransformTape<S>& tape, TransformCotangent<S> to,
                       const TransformContext<S>& context) const override;

  const Vector<double>& low() const { return low_; }
  const Vector<double>& high() const { return high_; }
  const Vector<double>& inset() const { return inset_; }
  /// Maps x (d x N) to the base in place.
  void to_base(Matrix<double>& x) const;
  /// Whether each point lies strictly inside. x: d x N.
  std::vector<bool> contains(ConstMatrixRef<double> x) const;

 private:
  Vector<double> low_, high_, inset_;  ///< d
};

extern template class Bounds<float>;
extern template class Bounds<double>;

}  // namespace pathline

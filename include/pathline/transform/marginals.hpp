/// \file
/// Maps each column to a normal distribution by its own quantiles.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "pathline/transform/chain.hpp"
#include "pathline/transform/transform.hpp"

namespace pathline {

/// The tail of a column beyond its first or last knot: the exceedance u > 0 has the generalized Pareto distribution
/// P(exceedance > u) = (1 + shape u / scale)^(-1 / shape), an exponential one for shape = 0 (Coles 2001, section 4.2).
struct ParetoTail {
  double shape = 0;  ///< >= 0: the inverse of the power with which the density falls, or 0
  double scale = 1;  ///< > 0
};

/// The monotone map of one column. Between the knots it is a rational-quadratic spline (Gregory & Delbourgo 1982);
/// beyond them it maps the quantiles of the Pareto tail to those of the normal distribution.
struct MarginalMap {
  Vector<double> x;  ///< at least two knots in the units of the data, increasing
  Vector<double> z;  ///< the normal quantile of each knot, increasing; z[0] < 0 < z[last]
  ParetoTail low, high;
};

/// For each column x the map z = Phi^-1(F(x)), where F is a smooth estimate of the distribution function, so that each
/// column alone becomes about normal. A heavy tail ends heavy: F has a Pareto tail on each side. Fixed: no parameters.
class Marginals final : public Transform<double> {
 public:
  /// One map for each column. Throws InputError that names the column (counted from 1) for a map that is not monotone.
  explicit Marginals(std::vector<MarginalMap> maps);

  std::unique_ptr<Transform<double>> clone() const override { return std::make_unique<Marginals>(*this); }
  std::string kind() const override { return "marginals"; }
  SolveReport apply(Direction direction, MatrixRef<double> z, RowVector<double>* log_det,
                    const TransformContext<double>& context, TransformTape<double>* tape) const override;
  std::unique_ptr<TransformTape<double>> make_tape() const override;
  SolveReport pullback(Direction direction, const TransformTape<double>& tape, TransformCotangent<double> to,
                       const TransformContext<double>& context) const override;

  const std::vector<MarginalMap>& maps() const { return maps_; }

 private:
  std::vector<MarginalMap> maps_;
  std::vector<Vector<double>> slopes_;  // dz/dx at the knots
};

/// Puts the maps next to the affine map of a flow's data side, which begins with one if it is standardized, in the place
/// of any that are there.
void set_marginals(Chain<double>& data_side, const Marginals& marginals);

/// Fits the maps to rows x (d x N, finite; N >= 50). weights: N, >= 0, or empty for equal ones. About N^(2/5) knots
/// a column resolve the distribution function; the tails hold about 16 rows each and are fitted by maximum likelihood,
/// with the shape in [0.1, 5]. A column with fewer than 3 distinct quantiles is mapped linearly.
[[nodiscard]] Marginals fit_marginals(ConstMatrixRef<double> x, ConstVectorRef<double> weights = Vector<double>());

}  // namespace pathline

// Densities of weighted samples on a grid, by a Gaussian kernel.
#pragma once


#include "pathline/app/axis.hpp"
#include "pathline/core/types.hpp"

namespace pathline::plot {

// What a density does at the ends of its range: it continues, stops at a bound, or repeats from the other end.
enum class Ends { open, bounded, periodic };

// One column of samples; what is not finite or lies outside of the range is left out.
struct SampleColumn {
  RowVector<double> values;  // 1 x N
  Range range;
  Ends ends = Ends::open;
  bool discrete = false;  // integers: not smoothed over more than one of them
};

// The bandwidth of a Gaussian kernel that is the best for the estimated roughness of the density (Botev, Grotowski,
// Kroese 2010, section 4): it follows the width of the modes, where the rule of thumb follows their distance. In the
// units of the column; at most that of the rule of thumb (Silverman 1986), and at least half of that for a normal
// distribution of the same entropy.
double bandwidth(const SampleColumn& column, const RowVector<double>& weights);

// The density at the centres of `cells` cells over the range; its integral is 1. The kernel is wider where the density
// is low and narrower where it is high (Abramson 1982). weights: 1 x N, or empty for equal ones.
Vector<double> smooth_density(const SampleColumn& column, const RowVector<double>& weights, Index cells);

// The joint density of two columns, cells x cells; its sum is 1. The kernel has the correlation of the samples, so that
// a narrow ridge stays narrow.
Matrix<double> smooth_density(const SampleColumn& x, const SampleColumn& y, const RowVector<double>& weights,
                              Index cells);

}  // namespace pathline::plot

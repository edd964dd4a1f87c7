// Tests whether two samples have the same distribution.
#pragma once

#include "pathline/core/random.hpp"
#include "pathline/core/types.hpp"

namespace pathline {

// Kolmogorov's distribution: the probability that sqrt(n) D is above x, for large n.
double kolmogorov_tail(double x);
// The two-sample test of Kolmogorov and Smirnov, with Stephens' correction for finite samples (1970; Press et al.,
// Numerical Recipes, 14.3.3). Samples of continuous distributions; ties make the p-value too small.
struct KolmogorovSmirnov {
  double distance = 0, p = 1;
};
KolmogorovSmirnov kolmogorov_smirnov(RowVector<double> a, RowVector<double> b);
// Against the uniform distribution on [0, 1].
KolmogorovSmirnov kolmogorov_smirnov_uniform(RowVector<double> a);

// The energy test of a against b, both d x n, which have to have the same size: 2 E|A - B| - E|A - A'| - E|B - B'|
// (Szekely & Rizzo 2013) with Euclidean distances, and the p-value of random exchanges. These stop when 20 are as large
// as what was observed (Besag & Clifford 1991, "Sequential Monte Carlo p-values"), or at most_exchanges.
struct EnergyTest {
  double statistic = 0, p = 1;
  Index exchanges = 0;
};
EnergyTest energy_test(const Matrix<double>& a, const Matrix<double>& b, Engine& engine, Index most_exchanges);

}  // namespace pathline

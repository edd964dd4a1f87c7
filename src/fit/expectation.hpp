// The expectation step of expectation maximization.
#pragma once

#include <vector>

#include "fit/mixture_rows.hpp"
#include "pathline/fit/gaussian_mixture.hpp"

namespace pathline {

// What the maximization needs of the rows: for each component a column with the sums of r, r x and r x x^T (lower
// triangle, row by row), where r are the weights times the responsibilities; and the sum of w log p.
struct Moments {
  Matrix<double> sums;  // (1 + d + d (d + 1) / 2) x K
  double log_density = 0;
};

// The moments of the rows where row i belongs to component of[i] alone.
Moments moments_of_clusters(const MixtureRows& data, const std::vector<Index>& of, Index components);

// Where there are many components, most are far from a block of rows that lie together. Every eighth step looks at all
// of them, and the steps between at those that had a responsibility above 1e-5 for a row of the block: truncated
// expectation maximization (Lücke & Forster 2019). Up to kAllComponents are never left out.
class Expectation {
 public:
  static constexpr Index kAllComponents = 32;

  // data outlives this object.
  explicit Expectation(const MixtureRows& data) : data_(data), near_(static_cast<std::size_t>(data.blocks())) {}

  // Where components are left out, the sum of the log-densities is too low, by less than 1e-5 for each of them.
  Moments operator()(const GaussianMixture& mixture);

 private:
  const MixtureRows& data_;
  std::vector<std::vector<Index>> near_;  // of each block
  Index steps_ = 0, components_ = 0;
};

}  // namespace pathline

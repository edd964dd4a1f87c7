// The expectation step of expectation maximization.
#pragma once

#include <vector>

#include "fit/mixture_rows.hpp"
#include "pathline/fit/gaussian_mixture.hpp"

namespace pathline {

// The sufficient statistics for the maximization step: for each component a column with the sums over the rows of r, r x
// and r x x^T (lower triangle, row by row), where r is the weight w of a row times its responsibility; and sum w log p.
struct Moments {
  Matrix<double> sums;  // (1 + d + d (d + 1) / 2) x K
  double log_density = 0;
};

// The moments of the rows where row i belongs to component of[i] alone.
Moments moments_of_clusters(const MixtureRows& data, const std::vector<Index>& of, Index components);

// Truncated expectation maximization (Lücke & Forster 2019). If there are many components, most are far from a block of
// neighbouring rows. Every eighth step evaluates all components; the other steps evaluate those that had a responsibility
// above 1e-5 for a row of the block. With kAllComponents or fewer, every step evaluates all.
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

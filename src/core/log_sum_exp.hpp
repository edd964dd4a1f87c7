// log(sum(exp)) that neither underflows nor makes a NaN of an empty sum.
#pragma once

#include <cmath>
#include <limits>

#include <Eigen/Core>

namespace pathline {

// terms: any array of log-weights; -inf counts as 0, and a NaN makes the sum NaN.
template <class Array> double log_sum_exp(const Eigen::ArrayBase<Array>& terms) {
  if (terms.size() == 0) return -std::numeric_limits<double>::infinity();
  const double top = terms.template maxCoeff<Eigen::PropagateNaN>();
  if (std::isinf(top)) return top;
  return top + std::log((terms - top).exp().sum());
}

}  // namespace pathline

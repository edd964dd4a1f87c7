// The weights of the members of an ensemble, by the validation rows.
#pragma once

#include "pathline/core/types.hpp"

namespace pathline {

// The weights w, K x 1 with sum 1, that maximize sum_n u_n log sum_k w_k p_k(x_n) with one row more for each member, so
// that none is 0: by expectation-maximization (Dempster, Laird & Rubin 1977, section 4.3), which rises to the only
// maximum. log_density: K x N, nats. row_weights: u, 1 x N, or empty for 1.
Vector<double> ensemble_weights(const Matrix<double>& log_density, const RowVector<double>& row_weights);

// log sum_k w_k p_k(x_n), 1 x N, nats.
RowVector<double> log_of_mean(const Matrix<double>& log_density, const Vector<double>& weights);

}  // namespace pathline

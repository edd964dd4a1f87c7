/// \file
/// The mean and the scale of each column of a data set.
#pragma once

#include <string>
#include <vector>

#include "pathline/core/types.hpp"

namespace pathline {

/// z = (x - mean) / scale. A model stores both, and its log-density contains -sum(log scale): it is the log-density of
/// x in the units of the data.
struct Standardizer {
  Vector<double> mean;   ///< d
  Vector<double> scale;  ///< d, > 0: standard deviation, sqrt(mean((x - mean)^2))
};

/// A constant column has no density, unless noise is added to it; with `allow` its scale is 1.
enum class ConstantColumns { refuse, allow };

/// Returns the statistics of x (d x N, N >= 2), which must be training data only. Throws InputError that names a column
/// which is constant or contains a value that is not finite (by its name if `columns` is given, else counted from 1).
/// weights: 1 x N, >= 0: mean and scale are weighted; empty: all samples weigh alike.
[[nodiscard]] Standardizer fit_standardizer(ConstMatrixRef<double> x, const std::vector<std::string>& columns = {},
                                            ConstantColumns constant = ConstantColumns::refuse,
                                            const RowVector<double>& weights = {});

}  // namespace pathline

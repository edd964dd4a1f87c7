/// \file
/// Training a regression model on the rows of a table, in the data's own units.
#pragma once

#include <cstdint>

#include "pathline/checkpoint/regression_file.hpp"
#include "pathline/regression/fit.hpp"

namespace pathline {

struct FitRegressionOptions {
  WeightStart start = WeightStart::uniform;
  bool standardize = true;  ///< the network sees (x - mean) / standard deviation, and its y is in these units, too
  FitOptions fit = {};      ///< its seed is that of the weights and of the batches
};

/// Trains a model of this architecture on x (n x N) and y (m x N), whose numbers of rows take the place of
/// spec.maps.inputs and outputs. The names of the columns are left empty. Throws InputError for an option out of its
/// range, for no rows and for a number that is not finite, and NumericalError if the training diverges.
[[nodiscard]] SavedRegression fit_regression(const RegressionSpec& spec, ConstMatrixRef<double> x,
                                             ConstMatrixRef<double> y, const FitRegressionOptions& options = {});

}  // namespace pathline

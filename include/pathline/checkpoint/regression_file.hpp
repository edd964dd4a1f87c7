/// \file
/// A trained regression model as a file.
#pragma once

#include <string>
#include <vector>

#include "pathline/regression/regression_spec.hpp"

namespace pathline {

/// A model of standardized columns, and the units of the data.
struct SavedRegression {
  RegressionSpec spec;
  std::vector<std::string> inputs, targets;         ///< names of the columns
  Vector<double> x_mean, x_scale, y_mean, y_scale;  ///< 0 and 1 where the data was not standardized
  Vector<double> theta;

  /// y (m x N) of x (n x N), both in the data's own units.
  Matrix<double> predict(ConstMatrixRef<double> x) const;
};

/// Writes a sealed HDF5 file, which replaces an older one whole.
void write_regression(const std::string& file, const SavedRegression& model);
/// Throws InputError for a file that is damaged or holds another kind of model.
[[nodiscard]] SavedRegression read_regression(const std::string& file);

}  // namespace pathline

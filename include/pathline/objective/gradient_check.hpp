/// \file
/// Compares a gradient with central differences of the loss, one parameter array at a time.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pathline/objective/nll_gradient.hpp"

namespace pathline {

struct GradientCheckOptions {
  double step = 1e-5;        ///< > 0: step of the central difference along a random unit direction of each array
  double tolerance = 1e-11;  ///< tolerance of the solves that are differenced, if the checked ones are adaptive
  std::uint64_t seed = 0;    ///< seed of the directions
};

struct GradientCheckRow {
  std::string name;      ///< name of the parameter array; "z" for the data, "condition"
  double gradient;       ///< derivative along the direction, from the gradient
  double difference;     ///< the central difference
  double scale;          ///< the length of the array's gradient
  double error() const;  ///< |gradient - difference| / max(scale, 1e-3)
};

/// Checks the gradient of the loss nll + penalty of a batch; there is one row for each parameter array, the data and
/// the condition. With fixed steps the discrete adjoint is compared with differences of the very loss that it
/// differentiates; every other gradient with differences of accurately solved losses, which shows the error that its
/// tolerance makes. To check a user-defined field, pass a flow that contains it.
[[nodiscard]] std::vector<GradientCheckRow> check_gradient(const Flow<double>& flow, ConstMatrixRef<double> x,
                                                           ConstMatrixRef<double> c = Matrix<double>(0, 0),
                                                           const GradientOptions& options = {},
                                                           const GradientCheckOptions& check = {});

}  // namespace pathline

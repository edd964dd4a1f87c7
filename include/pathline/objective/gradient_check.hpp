/// \file
/// Is a gradient right? Against central differences of the loss, array by array.
#pragma once

#include <string>
#include <vector>

#include "pathline/objective/nll_gradient.hpp"

namespace pathline {

struct GradientCheckOptions {
  double step = 1e-5;        ///< > 0: of the central difference along a random unit direction of each array
  double tolerance = 1e-11;  ///< of the solves that are differenced, where the checked ones are adaptive
  std::uint64_t seed = 0;    ///< of the directions
};

struct GradientCheckRow {
  std::string name;      ///< of a parameter array; "z" (the data), "condition"
  double gradient;       ///< along the direction
  double difference;     ///< the central difference there
  double scale;          ///< the length of the array's gradient
  double error() const;  ///< |gradient - difference| / max(scale, 1e-3)
};

/// Of the loss nll + penalty of a batch, one row for each parameter array, the data and the condition. With fixed steps
/// the discrete adjoint is compared with differences of the very loss it computes; every other with differences of
/// finely solved ones, so that its error by tolerance is seen. A field of one's own is checked by a flow of it.
[[nodiscard]] std::vector<GradientCheckRow> check_gradient(const Flow<double>& flow, ConstMatrixRef<double> x,
                                                           ConstMatrixRef<double> c = Matrix<double>(0, 0),
                                                           const GradientOptions& options = {},
                                                           const GradientCheckOptions& check = {});

}  // namespace pathline

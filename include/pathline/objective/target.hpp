/// \file
/// A distribution that a flow approximates without data: its log-density is known up to a constant.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "pathline/core/types.hpp"

namespace pathline {

struct Target {
  Index dim = 0;
  /// Returns the unnormalized log-density log p~ at x (d x N) in nats, 1 x N. Unless gradient is null, its derivative
  /// by x (d x N) is written there. Several threads may call it at once.
  std::function<RowVector<double>(ConstMatrixRef<double> x, Matrix<double>* gradient)> log_density;
  std::optional<double> log_z;  ///< logarithm of the integral of exp(log p~), if it is known
};

/// Returns a two-dimensional target by name. The unnormalized densities do not integrate to 1:
///   funnel       v ~ N(0, 3^2), x2 | v ~ N(0, exp(v)) (Neal 2003, section 8, with one x)
///   banana       x1 ~ N(0, 2^2), x2 ~ N(x1^2 / 4 - 1, (1/2)^2) (Haario et al. 1999, bent by a square)
///   ring         eight Gaussians of scale 0.5 / 1.414 on a ring of radius 4 / 1.414: the toy 8gaussians
///   double_well  exp(-(x1^4 / 4 - 3 x1^2 + x1 / 4 + x2^2 / 2)): Noe et al. 2019, with less of a tilt
/// Throws InputError that lists the names for an unknown one.
[[nodiscard]] Target find_target(const std::string& name);
[[nodiscard]] const std::vector<std::string>& target_names();

}  // namespace pathline

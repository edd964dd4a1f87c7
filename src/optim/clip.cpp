#include "pathline/optim/clip.hpp"

#include <cmath>

#include "core/option_check.hpp"

namespace pathline {

double clip_norm(VectorRef<double> gradient, double max_norm) {
  require(max_norm >= 0 && std::isfinite(max_norm), "clip", max_norm, ">= 0 and finite");
  double norm = gradient.norm();
  // Squares overflow from 1e154 on: not yet a gradient that is infinite.
  if (!std::isfinite(norm) && gradient.allFinite()) norm = gradient.stableNorm();
  if (max_norm > 0 && std::isfinite(norm) && norm > max_norm) gradient *= max_norm / norm;
  return norm;
}

}  // namespace pathline

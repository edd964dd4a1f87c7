/// \file
/// Gradient clipping by the global norm (Pascanu et al. 2013, algorithm 1).
#pragma once

#include "pathline/core/types.hpp"

namespace pathline {

/// Scales the gradient (P) to the Euclidean norm max_norm if it is longer, and returns its norm before scaling.
/// max_norm must be > 0, or 0 for no limit; other values throw InputError. If the norm is not finite, the gradient is
/// unchanged and the norm is returned: the caller decides how to handle the failed step.
double clip_norm(VectorRef<double> gradient, double max_norm);

}  // namespace pathline

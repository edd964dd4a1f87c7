// Gradient clipping by the global norm (Pascanu et al. 2013, algorithm 1).
#pragma once

#include "pathline/core/types.hpp"

namespace pathline {

// Scales gradient (P) to Euclidean norm max_norm where it is longer, and returns the norm that it had. max_norm: > 0,
// or 0 for no limit; InputError otherwise. A norm that is not finite is returned, and the gradient is as before: the
// caller decides what a failed step means.
double clip_norm(VectorRef<double> gradient, double max_norm);

}  // namespace pathline

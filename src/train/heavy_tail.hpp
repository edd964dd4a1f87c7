// Whether the rows of a table have a column whose variance is infinite.
#pragma once

#include "pathline/train/base_fit.hpp"

namespace pathline {

// Whether an upper or a lower tail of a column falls as slowly as a power with an infinite variance, beyond the error
// of the estimate. Gaussians, however many, have no bounded divergence from such a density. Columns of the condition do
// not count, because the density is given them. Weights make the tail that of the density that they describe.
bool has_heavy_tail(const BaseRows& rows);

}  // namespace pathline

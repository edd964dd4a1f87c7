// The base of a flow for few rows, chosen by cross-validation.
#pragma once

#include "pathline/train/base_choice.hpp"

namespace pathline {

// Compares Gaussians with shrunk and widened covariances and small mixtures by ten-fold cross-validation over all rows,
// the validation rows as well, and fits all of them.
BaseChoice choose_by_cross_validation(const BaseRows& rows, const BaseChoiceOptions& options);

}  // namespace pathline

/// \file
/// Chooses the mixture that is the base of a flow, by validation or by cross-validation.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pathline/train/base_fit.hpp"

namespace pathline {

struct BaseChoiceOptions {
  double seconds = 30;     ///< > 0: about as long as the choice may take
  std::uint64_t seed = 0;  ///< of the fits and of the folds
  int threads = 1;         ///< >= 0, 0: one per core
};

/// Fewer training rows than this are cross-validated, and too few to train a network.
inline constexpr Index kFewRows = 500;

struct BaseChoice {
  bool marginals = false;              ///< the rows through marginal maps gave the better mixture
  BaseFitOptions fit;                  ///< fit_base with these gives the mixture again
  GaussianMixture mixture;
  double nll = 0;                      ///< of the validation rows, or cross-validated, in the units of the data, nats
  double gaussian_nll = 0;             ///< the same of one Gaussian
  std::vector<std::string> reasons;    ///< what was tried, a line each
  double member_seconds = 0;           ///< about as long as one more member takes
};

/// Fits mixtures of 1, 2, 4, ... components as long as the validation log-density rises and the time lasts, then more
/// of the best kind from other starts, whose mean is better than each. `mapped`, if given, are the same rows through
/// marginal maps. With fewer than kFewRows training rows, or without validation rows, Gaussians with shrunk covariances
/// and small mixtures are compared by ten-fold cross-validation instead, and all rows are fitted.
[[nodiscard]] BaseChoice choose_base(const BaseRows& rows, const BaseRows* mapped, const BaseChoiceOptions& options);

/// Adds members to a choice while their mean gains and the time lasts. rows: those of the space that was chosen.
void add_members(BaseChoice& choice, const BaseRows& rows, const BaseChoiceOptions& options);

}  // namespace pathline

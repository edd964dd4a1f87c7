/// \file
/// Chooses the mixture that is the base of a flow, by validation or by cross-validation.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pathline/train/base_fit.hpp"

namespace pathline {

struct BaseChoiceOptions {
  double seconds = 30;     ///< > 0: the choice ends after about this time
  std::uint64_t seed = 0;  ///< seed of the fits and of the folds
  int threads = 1;         ///< >= 0, 0: one per core
};

/// Fewer training rows than this are cross-validated, and too few to train a network.
inline constexpr Index kFewRows = 500;

struct BaseChoice {
  bool marginals = false;              ///< whether the rows through marginal maps gave the better mixture
  BaseFitOptions fit;                  ///< the options with which fit_base gives the mixture again
  GaussianMixture mixture;
  double nll = 0;                      ///< of the validation rows, or cross-validated, in the units of the data, nats
  double gaussian_nll = 0;             ///< the same of one Gaussian
  std::vector<std::string> reasons;    ///< one line for each mixture that was tried
  double member_seconds = 0;           ///< the approximate time that one more member takes
};

/// Fits mixtures of 1, 2, 4, ... components as long as the validation log-density rises and time is left, and then
/// members of the best kind from other random starts, whose mean is the density. `mapped`, if given, are the same rows through
/// marginal maps. With fewer than kFewRows training rows, or without validation rows, Gaussians with shrunk covariances
/// and small mixtures are compared by ten-fold cross-validation instead, and all rows are fitted.
[[nodiscard]] BaseChoice choose_base(const BaseRows& rows, const BaseRows* mapped, const BaseChoiceOptions& options);

/// Adds members to a choice as long as their mean improves and time is left. rows: those of the space that was chosen.
void add_members(BaseChoice& choice, const BaseRows& rows, const BaseChoiceOptions& options);

}  // namespace pathline

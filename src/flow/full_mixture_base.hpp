// Base distributions that are mixtures of Gaussians with full covariances.
#pragma once

#include <memory>

#include "pathline/flow/base.hpp"

namespace pathline {

// Makes a full_mixture, or for condition_dim > 0 a conditional_mixture.
std::unique_ptr<Base> make_full_mixture(Index dim, Index components, Index condition_dim, Engine& engine);

// The mixture of such a base, over the condition and z together; null for a base of another kind.
const GaussianMixture* mixture_of(const Base& base);

}  // namespace pathline

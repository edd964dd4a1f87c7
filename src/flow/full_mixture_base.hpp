// A base of Gaussians with full covariances.
#pragma once

#include <memory>

#include "pathline/flow/base.hpp"

namespace pathline {

std::unique_ptr<Base> make_full_mixture(Index dim, Index components, Engine& engine);

}  // namespace pathline

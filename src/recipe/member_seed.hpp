// The seed of what differs between the members of an ensemble: weights, batches, noise, starts. The split does not.
#pragma once

#include <cstdint>

#include "pathline/core/random.hpp"
#include "pathline/recipe/recipe.hpp"

namespace pathline {

// That of the run for member 0, so that the first member is the run without an ensemble. In 62 bits: seeds are counted on.
inline std::uint64_t member_seed(const Recipe& recipe) {
  if (recipe.model.member == 0) return recipe.train.seed;
  return make_stream(recipe.train.seed, "train.member", static_cast<std::uint64_t>(recipe.model.member))() >> 2;
}

}  // namespace pathline

// Refuses a batch with weights, for the objectives that do not support them.
#pragma once

#include <string>

#include "pathline/core/error.hpp"
#include "pathline/objective/objective.hpp"

namespace pathline {

inline void refuse_weights(const Batch& batch, const std::string& kind) {
  if (batch.weights.size() > 0 && !(batch.weights.array() == 1).all())
    throw InputError("weights: " + kind + " gives every sample the weight 1");
}

}  // namespace pathline

// The smallest NLL that a density of the data can have.
#pragma once

#include <optional>

#include "pathline/train/evaluate.hpp"
#include "pathline/train/training_data.hpp"

namespace pathline {

// A lower bound in nats; nullopt if there is none, or if the evaluation is far above it. For data of known entropy it is
// the entropy less 0.5 nats and five standard errors. For a table it is the sum over its columns of log(smallest distance
// of two values): a density that is smooth between neighbouring values has no more than the probability 1 in a cell of these
// sides, while one that concentrates on values that repeat exactly has no bound.
std::optional<double> least_nll(const TrainingData& data, const Evaluation& e);

}  // namespace pathline

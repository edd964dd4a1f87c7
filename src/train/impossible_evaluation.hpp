// Why no density can have an evaluation.
#pragma once

#include <string>

#include "pathline/train/trainer.hpp"

namespace pathline {

// Why the evaluation of the flow cannot be right, such as an NLL below the least possible or a loss far below that of
// the same batch by the solver of the evaluation; empty if it may be right. batch: that of the iteration before.
template <class S> std::string impossible(const Evaluation& e, const TrainingProgress& progress, const Flow<S>& flow,
                                          const TrainingData& data, Index batch, const TrainerOptions& options);

}  // namespace pathline

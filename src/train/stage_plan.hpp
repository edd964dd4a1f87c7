// Assigns the iterations of a run to its stages.
#pragma once

#include <string>
#include <vector>

#include "pathline/train/trainer.hpp"

namespace pathline {

// What a stage asks for; the members are those of Stage.
struct StageRequest {
  std::string kind;
  Index iterations = 0, batch = 0;
  double learning_rate = 0;
};

struct StagePlan {
  Index first, iterations, batch;  // first: counted from the start of the run
  Schedule schedule;               // counts the iterations within the stage
};

// Stages with iterations = 0 share what the others leave of options.iterations. If there is no such stage, the last
// stage takes the rest. InputError if the stages ask for more iterations than the run has.
std::vector<StagePlan> plan_stages(const std::vector<StageRequest>& stages, const TrainerOptions& options);

}  // namespace pathline

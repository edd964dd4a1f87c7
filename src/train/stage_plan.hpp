// Which iterations belong to which stage.
#pragma once

#include <string>
#include <vector>

#include "pathline/train/trainer.hpp"

namespace pathline {

// What a stage asks for, as Stage has it.
struct StageRequest {
  std::string kind;
  Index iterations = 0, batch = 0;
  double learning_rate = 0;
};

struct StagePlan {
  Index first, iterations, batch;  // first: of the whole run
  Schedule schedule;               // of the iterations within the stage
};

// A stage with iterations = 0 takes what the others leave of options.iterations; several share it. Where there is none,
// the last stage continues for the rest. InputError if they ask for more than there are.
std::vector<StagePlan> plan_stages(const std::vector<StageRequest>& stages, const TrainerOptions& options);

}  // namespace pathline

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

// What each stage asks for. InputError if there is no stage, or naming the member of a stage that is out of its range.
template <class S> std::vector<StageRequest> stage_requests(const std::vector<Stage<S>>& stages);

struct StagePlan {
  Index first, iterations, batch;  // first: counted from the start of the run
  Schedule schedule;               // counts the iterations within the stage
};

// Stages with iterations = 0 share what the others leave of options.iterations. If there is no such stage, the last
// stage takes the rest. InputError if the stages ask for more iterations than the run has.
std::vector<StagePlan> plan_stages(const std::vector<StageRequest>& stages, const TrainerOptions& options);

// The iterations of the whole run.
inline Index all_iterations(const std::vector<StagePlan>& plan) { return plan.back().first + plan.back().iterations; }

// The stage to which an iteration of the run belongs; the last one from the end of the run on.
std::size_t stage_of(const std::vector<StagePlan>& plan, Index iteration);

}  // namespace pathline

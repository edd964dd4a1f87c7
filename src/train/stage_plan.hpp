// Which iterations belong to which stage.
#pragma once

#include <vector>

#include "pathline/optim/schedule.hpp"
#include "pathline/recipe/recipe.hpp"

namespace pathline {

struct StagePlan {
  Index first, iterations, batch;  // first: of the whole run
  Schedule schedule;               // of the iterations within the stage
};

// Samples an iteration of a stage: its own, or the run's.
inline Index batch_of(const Recipe& recipe, const ObjectiveRecipe& stage) {
  return stage.batch > 0 ? stage.batch : recipe.train.batch;
}

// A stage with iterations = 0 takes what the others leave of train.iterations; several share it. Where there is none,
// the last stage goes on for the rest. InputError if they ask for more than there are.
std::vector<StagePlan> plan_stages(const Recipe& recipe);
// The iterations by which the last stage is longer than it says.
Index beyond_stages(const Recipe& recipe);

}  // namespace pathline

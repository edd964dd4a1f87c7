#include "train/stage_plan.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "pathline/core/error.hpp"

namespace pathline {

std::vector<StagePlan> plan_stages(const std::vector<StageRequest>& stages, const TrainerOptions& options) {
  Index asked = 0, open = 0;
  for (const auto& stage : stages) asked += stage.iterations, open += stage.iterations == 0;
  const Index total = options.iterations;
  if (asked > total)
    throw InputError(fmt::format(
        "iterations = {}: the stages request {} in total; raise it, or lower the iterations of a stage", total, asked));
  std::vector<StagePlan> plan;
  Index first = 0, rest = total - asked;
  for (const auto& stage : stages) {
    Index n = stage.iterations;
    if (n == 0) n = (rest + open - 1) / open, rest -= n, --open;
    else if (&stage == &stages.back() && open == 0)
      n += rest;
    Schedule schedule = options.schedule;
    schedule.learning_rate = stage.learning_rate > 0 ? stage.learning_rate : options.adam.learning_rate;
    schedule.iterations = n;
    if (schedule.kind == Schedule::Kind::trapezoid)  // its beginning does not depend on its length
      schedule.cooldown = std::min(schedule.cooldown, n);
    else
      schedule.warmup = std::min(schedule.warmup, n / 2);
    try {
      if (n > 0) check_schedule(schedule);
    } catch (const InputError& error) {
      throw InputError(fmt::format("stage {} ({}): {}", plan.size() + 1, stage.kind, error.what()));
    }
    plan.push_back({first, n, stage.batch > 0 ? stage.batch : options.batch, schedule});
    first += n;
  }
  return plan;
}

}  // namespace pathline

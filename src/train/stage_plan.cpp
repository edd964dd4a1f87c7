#include "train/stage_plan.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "core/option_check.hpp"
#include "pathline/core/error.hpp"

namespace pathline {

template <class S> std::vector<StageRequest> stage_requests(const std::vector<Stage<S>>& stages) {
  std::vector<StageRequest> out;
  for (const auto& stage : stages) {
    if (!stage.objective) throw InputError(fmt::format("stage {}: has no objective", out.size() + 1));
    require(stage.iterations >= 0, fmt::format("stage {}: iterations", out.size() + 1), stage.iterations, ">= 0");
    require(stage.batch >= 0, fmt::format("stage {}: batch", out.size() + 1), stage.batch, ">= 0");
    require(stage.learning_rate >= 0 && std::isfinite(stage.learning_rate),
            fmt::format("stage {}: learning_rate", out.size() + 1), stage.learning_rate, ">= 0");
    out.push_back({stage.objective->kind(), stage.iterations, stage.batch, stage.learning_rate});
  }
  if (out.empty()) throw InputError("stages: there is none; expected one at least");
  return out;
}

template std::vector<StageRequest> stage_requests<float>(const std::vector<Stage<float>>&);
template std::vector<StageRequest> stage_requests<double>(const std::vector<Stage<double>>&);

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
    if (n == 0)
      n = (rest + open - 1) / open, rest -= n, --open;
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

std::size_t stage_of(const std::vector<StagePlan>& plan, Index iteration) {
  std::size_t stage = 0;
  while (stage + 1 < plan.size() && iteration >= plan[stage + 1].first) ++stage;
  return stage;
}

}  // namespace pathline

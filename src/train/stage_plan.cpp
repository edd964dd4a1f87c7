#include "train/stage_plan.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "pathline/core/error.hpp"

namespace pathline {

std::vector<StagePlan> plan_stages(const Recipe& recipe) {
  const auto& optimizer = recipe.optimizer;
  Index asked = 0, open = 0;
  for (const auto& stage : recipe.objective) asked += stage.iterations, open += stage.iterations == 0;
  const Index total = recipe.train.iterations;
  if (asked > total)
    throw InputError(
        fmt::format("train.iterations = {}: the stages of [[objective]] request {} in total; raise it, or lower "
                    "objective.{}.iterations",
                    total, asked, recipe.objective.size()));
  std::vector<StagePlan> plan;
  Index first = 0, rest = total - asked;
  for (const auto& stage : recipe.objective) {
    Index n = stage.iterations;
    if (n == 0) n = (rest + open - 1) / open, rest -= n, --open;
    else if (&stage == &recipe.objective.back() && open == 0) n += rest;
    Schedule schedule{.learning_rate = stage.learning_rate > 0 ? stage.learning_rate : optimizer.learning_rate,
                      .warmup = std::min(optimizer.warmup, n / 2),
                      .iterations = n,
                      .final = optimizer.final,
                      .decay_every = optimizer.decay_every,
                      .decay_factor = optimizer.decay_factor};
    schedule.kind = optimizer.schedule == "cosine" ? Schedule::Kind::cosine
                    : optimizer.schedule == "step" ? Schedule::Kind::step
                                                   : Schedule::Kind::constant;
    try {
      if (n > 0) check_schedule(schedule);
    } catch (const InputError& error) {
      throw InputError(fmt::format("objective.{} ({}): {}", plan.size() + 1, stage.kind, error.what()));
    }
    plan.push_back({first, n, batch_of(recipe, stage), schedule});
    first += n;
  }
  return plan;
}

Index beyond_stages(const Recipe& recipe) {
  Index asked = 0;
  for (const auto& stage : recipe.objective) {
    if (stage.iterations == 0) return 0;
    asked += stage.iterations;
  }
  return std::max<Index>(0, recipe.train.iterations - asked);
}

}  // namespace pathline

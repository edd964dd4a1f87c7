#include "train/stage_plan.hpp"

#include <gmock/gmock.h>

#include "message.hpp"

namespace pathline {
namespace {

std::vector<Index> lengths(const std::vector<Index>& iterations, Index total) {
  std::vector<StageRequest> stages;
  for (const Index n : iterations) stages.push_back({.kind = "likelihood", .iterations = n});
  std::vector<Index> out;
  for (const auto& stage : plan_stages(stages, {.iterations = total})) out.push_back(stage.iterations);
  return out;
}

TEST(StagePlan, AnOpenStageTakesTheRest) {
  EXPECT_THAT(lengths({10, 0}, 30), testing::ElementsAre(10, 20));
  EXPECT_THAT(lengths({0, 10, 0}, 31), testing::ElementsAre(11, 10, 10));
}

// `train --resume RUN --iterations N` of a recipe whose stages all have numbers was an error.
TEST(StagePlan, TheLastStageContinuesWhereNoneIsOpen) {
  EXPECT_THAT(lengths({10, 20}, 50), testing::ElementsAre(10, 40));
  EXPECT_THAT(lengths({10, 20}, 30), testing::ElementsAre(10, 20));
  EXPECT_EQ(message([] {
              lengths({10, 20}, 5);
            }),
            "iterations = 5: the stages request 30 in total; raise it, or lower the iterations of a stage");
}

TEST(StagePlan, AnIterationBelongsToTheStageThatItFallsInto) {
  const auto plan = plan_stages({{.kind = "a", .iterations = 10}, {.kind = "b", .iterations = 5}}, {.iterations = 15});
  EXPECT_EQ(all_iterations(plan), 15);
  EXPECT_EQ(stage_of(plan, 0), 0u);
  EXPECT_EQ(stage_of(plan, 9), 0u);
  EXPECT_EQ(stage_of(plan, 10), 1u);
  EXPECT_EQ(stage_of(plan, 15), 1u);  // the end of the run
}

}  // namespace
}  // namespace pathline

#include "train/stage_plan.hpp"

#include <gmock/gmock.h>

#include "message.hpp"

namespace pathline {
namespace {

Recipe stages(const std::vector<Index>& iterations, Index total) {
  Recipe r;
  r.objective.resize(iterations.size());
  for (std::size_t i = 0; i < iterations.size(); ++i) r.objective[i].iterations = iterations[i];
  r.train.iterations = total;
  return r;
}

std::vector<Index> lengths(const Recipe& recipe) {
  std::vector<Index> out;
  for (const auto& stage : plan_stages(recipe)) out.push_back(stage.iterations);
  return out;
}

TEST(StagePlan, AnOpenStageTakesTheRest) {
  EXPECT_THAT(lengths(stages({10, 0}, 30)), testing::ElementsAre(10, 20));
  EXPECT_THAT(lengths(stages({0, 10, 0}, 31)), testing::ElementsAre(11, 10, 10));
  EXPECT_EQ(beyond_stages(stages({10, 0}, 30)), 0);
}

// `train --resume RUN --iterations N` of a recipe whose stages all have numbers was an error.
TEST(StagePlan, TheLastStageGoesOnWhereNoneIsOpen) {
  EXPECT_THAT(lengths(stages({10, 20}, 50)), testing::ElementsAre(10, 40));
  EXPECT_EQ(beyond_stages(stages({10, 20}, 50)), 20);
  EXPECT_THAT(lengths(stages({10, 20}, 30)), testing::ElementsAre(10, 20));
  EXPECT_EQ(message([] { plan_stages(stages({10, 20}, 5)); }),
            "train.iterations = 5: the stages of [[objective]] request 30 in total; raise it, or lower "
            "objective.2.iterations");
}

}  // namespace
}  // namespace pathline

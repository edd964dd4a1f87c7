#include "pathline/recipe/build_stages.hpp"

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

TEST(BuildStages, TheLastStageIsLongerThanItSaysWhereNoneIsOpen) {
  EXPECT_EQ(beyond_stages(stages({10, 0}, 30)), 0);
  EXPECT_EQ(beyond_stages(stages({10, 20}, 50)), 20);
}

TEST(BuildStages, AnErrorOfTheLibraryNamesTheKeyOfTheRecipe) {
  EXPECT_THAT(message([] {
                (void)build_stages<float>(stages({10, 20}, 5));
              }),
              testing::StartsWith("train.iterations = 5: the stages request 30"));
}

}  // namespace
}  // namespace pathline

#include "train/run_clock.hpp"

#include <gmock/gmock.h>

namespace pathline {
namespace {

using testing::Optional;

// A run of 100 seconds, of which 30 are for the cooldown, under a clock that the test sets.
class ClockOfARun : public testing::Test {
 protected:
  TrainerOptions options_{.evaluate_every = 10, .seconds = 100};
  double now_ = 1000;
  RunClock clock_{options_, 2, [this] { return now_; }};
};

TEST_F(ClockOfARun, CountsTheEarlierPartsOfARun) {
  clock_.start(7);
  now_ += 5;
  EXPECT_EQ(clock_.seconds(), 12);
  options_.seconds_spent = 3;
  EXPECT_EQ(clock_.seconds_spent(), 15);
}

TEST_F(ClockOfARun, TheTimeOfAnIterationIsARunningMean) {
  EXPECT_TRUE(clock_.has_seen_none());
  clock_.iteration_took(0, 2);
  EXPECT_FALSE(clock_.has_seen_none());
  EXPECT_EQ(clock_.each(0), 2);
  clock_.iteration_took(0, 4);
  EXPECT_DOUBLE_EQ(clock_.each(0), 0.98 * 2 + 0.02 * 4);
  EXPECT_EQ(clock_.each(1), 0);
}

TEST_F(ClockOfARun, TheTimeLeftIsSummedOverTheStages) {
  const std::vector<StagePlan> plan{{0, 10, 1, {}}, {10, 5, 1, {}}};
  clock_.iteration_took(0, 2), clock_.estimate(1, 20);
  EXPECT_EQ(clock_.seconds_left(plan, 0, 4), 6 * 2 + 5 * 20);
  EXPECT_EQ(clock_.seconds_left(plan, 1, 12), 3 * 20);
}

TEST_F(ClockOfARun, TheCooldownBeginsWhenItsShareOfTheTimeIsLeft) {
  clock_.start(0);
  clock_.iteration_took(1, 0.9), clock_.validation_took(1);  // an iteration and its share of a validation: 1 second
  now_ += 65;
  EXPECT_EQ(clock_.cooldown(false, 1), std::nullopt);  // 35 seconds, and 3 of them for the last evaluations
  now_ += 1;
  EXPECT_THAT(clock_.cooldown(false, 1), Optional(31));
  EXPECT_THAT(clock_.cooldown(true, 1), Optional(31));
  now_ += 1000;
  EXPECT_THAT(clock_.cooldown(false, 1), Optional(1));  // the time is over
}

// A resumed run asked for it before its first iteration, and crashed.
TEST_F(ClockOfARun, DecidesNothingBeforeAnIterationIsTimed) {
  clock_.start(500);
  EXPECT_EQ(clock_.cooldown(false, 1), std::nullopt);
  EXPECT_EQ(clock_.cooldown(true, 1), std::nullopt);
}

}  // namespace
}  // namespace pathline

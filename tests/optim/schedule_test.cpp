#include "pathline/optim/schedule.hpp"

#include <cmath>
#include <limits>
#include <vector>

#include <gmock/gmock.h>

#include "pathline/core/error.hpp"

namespace pathline {
namespace {

using Kind = Schedule::Kind;
using testing::ElementsAre;

std::vector<double> rates(const Schedule& schedule, Index from, Index to) {
  std::vector<double> list;
  for (Index i = from; i < to; ++i) list.push_back(learning_rate(schedule, i));
  return list;
}

TEST(Schedule, ConstantAfterALinearWarmUp) {
  EXPECT_THAT(rates({.learning_rate = 2, .warmup = 4}, 0, 6), ElementsAre(0.5, 1, 1.5, 2, 2, 2));
  EXPECT_THAT(rates({.learning_rate = 2}, 0, 2), ElementsAre(2, 2));
}

TEST(Schedule, CosineFallsFromTheTopToTheFinalFractionAndStays) {
  const Schedule s{.kind = Kind::cosine, .learning_rate = 2, .warmup = 10, .iterations = 110, .final = 0.1};
  EXPECT_EQ(learning_rate(s, 10), 2);
  EXPECT_NEAR(learning_rate(s, 60), 2 * 0.55, 1e-15);  // half way: the mean of 1 and 0.1
  EXPECT_NEAR(learning_rate(s, 110), 0.2, 1e-15);
  EXPECT_NEAR(learning_rate(s, 100000), 0.2, 1e-15);
  for (Index i = 10; i < 110; ++i) {
    EXPECT_GT(learning_rate(s, i), learning_rate(s, i + 1));
    EXPECT_NEAR(learning_rate(s, i) + learning_rate(s, 120 - i), 2.2, 1e-14);  // odd about the middle
  }
}

TEST(Schedule, StepMultipliesEveryNIterationsOfItsOwn) {
  const Schedule s{.kind = Kind::step, .learning_rate = 8, .warmup = 2, .decay_every = 3, .decay_factor = 0.5};
  EXPECT_THAT(rates(s, 0, 9), ElementsAre(4, 8, 8, 8, 8, 4, 4, 4, 2));
}

// Its beginning is that of a longer one, so that the length of a run may be decided late.
TEST(Schedule, TrapezoidIsConstantUntilItsCooldown) {
  const Schedule s{.kind = Kind::trapezoid, .learning_rate = 2, .warmup = 4, .iterations = 20, .cooldown = 10};
  EXPECT_THAT(rates(s, 0, 5), ElementsAre(0.5, 1, 1.5, 2, 2));
  EXPECT_EQ(learning_rate(s, 10), 2);
  EXPECT_NEAR(learning_rate(s, 15), 2 * (1 - std::sqrt(0.5)), 1e-15);
  EXPECT_EQ(learning_rate(s, 20), 0);
  EXPECT_EQ(learning_rate(s, 1000), 0);
  Schedule longer = s;
  longer.iterations = 1000;
  EXPECT_EQ(rates(s, 0, 10), rates(longer, 0, 10));
  EXPECT_THROW(check_schedule({.kind = Kind::trapezoid, .iterations = 10, .cooldown = 11}), InputError);
}

TEST(Schedule, FieldOutOfItsRangeIsAnError) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_NO_THROW(check_schedule({}));
  EXPECT_THROW(check_schedule({.learning_rate = nan}), InputError);
  EXPECT_THROW(check_schedule({.warmup = -1}), InputError);
  EXPECT_THROW(check_schedule({.kind = Kind::cosine, .warmup = 10, .iterations = 10}), InputError);
  EXPECT_THROW(check_schedule({.kind = Kind::cosine, .iterations = 10, .final = nan}), InputError);
  EXPECT_THROW(check_schedule({.kind = Kind::step, .decay_every = 0}), InputError);
  EXPECT_THROW(check_schedule({.kind = Kind::step, .decay_factor = 1.5}), InputError);
}

}  // namespace
}  // namespace pathline

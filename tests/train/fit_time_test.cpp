#include "train/fit_time.hpp"

#include <gtest/gtest.h>

namespace pathline {
namespace {

// The time of a fit of 200 iterations was taken for that of 60: larger mixtures were refused.
TEST(FitTime, IsPredictedByIterationsAndComponents) {
  FitTime time;
  EXPECT_FALSE(time.known());
  time.add(2, 10, 200);  // a millisecond each
  EXPECT_TRUE(time.known());
  const double predicted = time.of(100, 60);
  EXPECT_GE(predicted, 6);  // with a margin
  EXPECT_LE(predicted, 9);
  EXPECT_DOUBLE_EQ(time.of(100, 30), predicted / 2);
  EXPECT_DOUBLE_EQ(time.of(50, 60), predicted / 2);
  EXPECT_DOUBLE_EQ(time.scaled(3).of(100, 60), 3 * predicted);
}

TEST(FitTime, IterationsWithinATimeTakeNoLonger) {
  FitTime time;
  time.add(2, 10, 200);
  const Index n = time.iterations_within(3, 100);
  EXPECT_LE(time.of(100, n), 3);
  EXPECT_GT(time.of(100, n + 1), 3);
  EXPECT_LE(time.iterations_within(-1, 100), 0);  // the time is over
  EXPECT_GT(time.iterations_within(1e300, 1), Index(1) << 29);
}

}  // namespace
}  // namespace pathline

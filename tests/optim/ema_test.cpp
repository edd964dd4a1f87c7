#include "pathline/optim/ema.hpp"

#include <cmath>

#include <gmock/gmock.h>

#include "pathline/core/error.hpp"

namespace pathline {
namespace {

Vector<double> one(double x) { return Vector<double>::Constant(1, x); }

TEST(Ema, EarlyUpdatesForgetTheStart) {
  Ema ema(0.999, one(1));
  ema.update(one(11));  // a = 1 / 10
  EXPECT_NEAR(ema.average()(0), 0.1 * 1 + 0.9 * 11, 1e-14);
  ema.update(one(0));  // a = 2 / 11
  EXPECT_NEAR(ema.average()(0), 10 * 2.0 / 11, 1e-14);
}

TEST(Ema, LateUpdatesDecayGeometrically) {
  Ema ema(0.5, one(0));
  for (int i = 0; i < 100; ++i) ema.update(one(1));  // (1 + n) / (10 + n) passes 0.5 at n = 8
  ema.set_state({one(1), ema.state().updates});
  for (int i = 0; i < 5; ++i) ema.update(one(0));
  EXPECT_EQ(ema.average()(0), std::pow(0.5, 5));
}

TEST(Ema, ConstantWeightsAreTheirOwnAverage) {
  Ema ema(0.99, one(0.3));
  for (int i = 0; i < 1000; ++i) ema.update(one(0.3));
  EXPECT_NEAR(ema.average()(0), 0.3, 1e-13);  // 1000 roundings at most
}

TEST(Ema, ResumedRunIsBitwiseTheUninterrupted) {
  Ema whole(0.9, one(1)), first(0.9, one(1)), second(0.9, one(0));
  for (int i = 0; i < 40; ++i) {
    whole.update(one(std::sin(i)));
    if (i < 20) first.update(one(std::sin(i)));
    if (i == 20) second.set_state(first.state());
    if (i >= 20) second.update(one(std::sin(i)));
  }
  EXPECT_EQ(second.average(), whole.average());
  EXPECT_EQ(second.state().updates, 40);
}

TEST(Ema, BadDecayOrStateIsAnError) {
  EXPECT_THROW(Ema(1, one(0)), InputError);
  EXPECT_THROW(Ema(std::nan(""), one(0)), InputError);
  Ema ema(0.9, one(0));
  EXPECT_THROW(ema.set_state({Vector<double>::Zero(2), 0}), InputError);
  EXPECT_THROW(ema.set_state({one(std::nan("")), 0}), InputError);
  EXPECT_THROW(ema.set_state({one(0), -1}), InputError);
}

}  // namespace
}  // namespace pathline

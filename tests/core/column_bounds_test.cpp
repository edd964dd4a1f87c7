#include "pathline/core/column_bounds.hpp"

#include <cmath>
#include <numbers>

#include <gtest/gtest.h>

#include "message.hpp"

namespace pathline {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity(), kPi = std::numbers::pi;

TEST(ColumnBounds, AreReadFromText) {
  const auto got = parse_bounds({"mass=60:", "cos_theta=-1:1", "x = : 2e3", "a=b=0:1", "phi=-pi:2*pi", "h=-pi/2:+1"});
  ASSERT_EQ(got.size(), 6);
  const double expected[6][2] = {{60, kInfinity}, {-1, 1}, {-kInfinity, 2e3}, {0, 1}, {-kPi, 2 * kPi}, {-kPi / 2, 1}};
  const char* names[6] = {"mass", "cos_theta", "x", "a=b", "phi", "h"};
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(got[i].column, names[i]);
    EXPECT_EQ(got[i].low, expected[i][0]) << names[i];
    EXPECT_EQ(got[i].high, expected[i][1]) << names[i];
  }
}

TEST(ColumnPeriod, IsReadFromALengthOrARange) {
  const auto got = parse_periods({"phi=2pi", "psi=360", "hour = 0:24", "chi=-pi:pi"});
  ASSERT_EQ(got.size(), 4);
  const double lengths[] = {2 * kPi, 360, 24, 2 * kPi};
  const std::optional<double> starts[] = {{}, {}, 0, -kPi};
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(got[i].length, lengths[i]) << i;
    EXPECT_EQ(got[i].start, starts[i]) << i;
  }
  for (const char* text : {"phi", "phi=", "phi=0", "phi=-1", "phi=1:1", "phi=:1", "phi=1:", "phi=inf", "=1"})
    EXPECT_TRUE(message([&] { parse_periods({text}); }).starts_with("period: '" + std::string(text) + "'")) << text;
  EXPECT_EQ(message([] { parse_periods({"m=1", "m=2"}); }), "period: 'm' is named twice");
}

TEST(ColumnBounds, WhatIsNoBoundIsRefused) {
  for (const char* text : {"mass", "mass=60", "=0:1", "mass=:", "mass=a:1", "mass=0:1:2", "mass=nan:", "m=2pie:", ""})
    EXPECT_TRUE(message([&] { parse_bounds({text}); }).starts_with("bounds: '" + std::string(text) + "'")) << text;
  EXPECT_EQ(message([] { parse_bounds({"m=1:1"}); }), "bounds: 'm=1:1': must have LOW < HIGH");
  EXPECT_EQ(message([] { parse_bounds({"m=1:", "m=:2"}); }), "bounds: 'm' is named twice");
}

TEST(ColumnBounds, AColumnIsFoundByNameAndThenByNumber) {
  EXPECT_EQ(find_column("2", {"a", "b", "2"}, 3), 2);
  EXPECT_EQ(find_column("2", {"a", "b", "c"}, 3), 1);
  EXPECT_EQ(find_column("x2", {}, 3), 1);
  for (const char* none : {"d", "0", "4", "x1", "-1", ""}) EXPECT_EQ(find_column(none, {"a", "b", "c"}, 3), -1) << none;
}

}  // namespace
}  // namespace pathline

#include "pathline/core/nearest.hpp"

#include <gtest/gtest.h>

namespace pathline {
namespace {

TEST(Nearest, EditDistanceCountsInsertionsDeletionsAndReplacements) {
  EXPECT_EQ(edit_distance("", ""), 0u);
  EXPECT_EQ(edit_distance("abc", "abc"), 0u);
  EXPECT_EQ(edit_distance("", "abc"), 3u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
  EXPECT_EQ(edit_distance("sitting", "kitten"), 3u);
  EXPECT_EQ(edit_distance("rtoll", "rtol"), 1u);
}

TEST(Nearest, FirstOfTheNearest) {
  EXPECT_EQ(nearest("mons", {"rings", "moons", "circles"}), "moons");
  EXPECT_EQ(nearest("xy", {"ab", "cd"}), "ab");
}

}  // namespace
}  // namespace pathline

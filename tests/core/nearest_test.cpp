#include "pathline/core/nearest.hpp"

#include <gtest/gtest.h>

namespace pathline {
namespace {

TEST(Nearest, EditDistanceCountsInsertionsDeletionsReplacementsAndExchanges) {
  EXPECT_EQ(edit_distance("", ""), 0u);
  EXPECT_EQ(edit_distance("abc", "abc"), 0u);
  EXPECT_EQ(edit_distance("", "abc"), 3u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
  EXPECT_EQ(edit_distance("sitting", "kitten"), 3u);
  EXPECT_EQ(edit_distance("rtoll", "rtol"), 1u);
  EXPECT_EQ(edit_distance("trian", "train"), 1u);
  EXPECT_EQ(edit_distance("ca", "abc"), 3u);
}

TEST(Nearest, FirstOfTheNearest) {
  EXPECT_EQ(nearest("mons", {"rings", "moons", "circles"}), "moons");
  EXPECT_EQ(nearest("xy", {"ab", "cd"}), "ab");
}

TEST(Nearest, OnlyWhatIsNearIsSuggested) {
  EXPECT_EQ(did_you_mean("tst", {"test", "train"}), "; did you mean 'test'?");
  EXPECT_EQ(did_you_mean("x", {}), "");
  EXPECT_EQ(did_you_mean("z", {"x", "y"}), "");
  EXPECT_EQ(did_you_mean("w", {"eruptions", "waiting"}), "");
  EXPECT_EQ(did_you_mean_column("w", {"eruptions", "waiting"}), "; its columns are eruptions, waiting");
  EXPECT_EQ(did_you_mean_column("eruption", {"eruptions", "waiting"}), "; did you mean 'eruptions'?");
  EXPECT_EQ(did_you_mean_column("q", std::vector<std::string>(21, "x")).substr(0, 21), "; its columns are x, ");
  EXPECT_EQ(did_you_mean_column("q", std::vector<std::string>(21, "x")).find("x, ..."), 75u);
}

}  // namespace
}  // namespace pathline

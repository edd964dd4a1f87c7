#include "pathline/dynamics/trajectory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "message.hpp"
#include "scratch.hpp"

namespace pathline {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class TrajectoryFile : public Scratch {};

TEST_F(TrajectoryFile, RowsInAnyOrderBecomeTrajectories) {
  const auto file = put("a.csv", "run,t,x,v\n7,1,3,4\n2,0.5,5,6\n7,0.25,1,2\n2,2,7,8\n7,3,9,10\n");
  const auto table = read_trajectories(file, "run", "t");
  EXPECT_THAT(table.columns, ElementsAre("x", "v"));
  ASSERT_EQ(table.list.size(), 2u);
  EXPECT_EQ(table.list[0].id, 7);
  EXPECT_THAT(table.list[0].times, ElementsAre(0.25, 1, 3));
  EXPECT_EQ(table.list[0].states, (Matrix<double>{{1.0, 3.0, 9.0}, {2.0, 4.0, 10.0}}));
  EXPECT_THAT(table.list[1].times, ElementsAre(0.5, 2));
  EXPECT_THAT(read_trajectories(file, "run", "t", {"v"}).list[1].states, (Matrix<double>{{6.0, 8.0}}));
}

TEST_F(TrajectoryFile, WhatIsWrittenIsRead) {
  TrajectoryTable table{
      .list = {{1, {0, 0.1}, Matrix<double>{{1.0, 2.0}}}, {3, {0.5, 2, 7}, Matrix<double>{{3.0, 4.0, 5.0}}}},
      .columns = {"x"}};
  for (const std::string name : {"b.csv", "b.h5", "b.npy"}) {  // the last has no names
    write_trajectories(file(name), table);
    const bool named = name != "b.npy";
    const auto read =
        read_trajectories(file(name) + (name == "b.h5" ? ":values" : ""), named ? "id" : "1", named ? "t" : "2");
    ASSERT_EQ(read.list.size(), 2u) << name;
    EXPECT_EQ(read.list[1].times, table.list[1].times) << name;
    EXPECT_EQ(read.list[1].states, table.list[1].states) << name;
    EXPECT_THAT(read.columns, ElementsAre(named ? "x" : "3")) << name;
  }
}

TEST_F(TrajectoryFile, FaultsNameTheTrajectory) {
  EXPECT_THAT(message([&] { read_trajectories(put("c.csv", "id,t,x\n4,1,2\n4,1,3\n"), "id", "t"); }),
              HasSubstr("trajectory 4 has two observations at the time 1"));
  EXPECT_THAT(message([&] { read_trajectories(put("d.csv", "id,t,x\n4,1,2\n5,1,3\n5,2,3\n"), "id", "t"); }),
              HasSubstr("trajectory 4 has 1 row"));
  EXPECT_THAT(message([&] { read_trajectories(put("e.csv", "id,t\n4,1\n4,2\n"), "id", "t"); }),
              HasSubstr("no column is left"));
  EXPECT_THAT(message([&] { read_trajectories(put("f.csv", "id,t,x\n4,1,2\n"), "id", "time"); }), HasSubstr("time"));
}

}  // namespace
}  // namespace pathline

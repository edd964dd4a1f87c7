// Reporting never fails the work, and results that cannot be written do: the real program, with broken streams.
#include <cstdlib>

#include <gmock/gmock.h>

#include "pathline/checkpoint/training_state.hpp"
#include "paths.hpp"
#include "program.hpp"

namespace pathline {
namespace {

using testing::HasSubstr;

class ReportCommand : public ScriptedProgram {
 protected:
  const std::string train_ =
      "$P train --data moons --set model.hidden=4 --set data.validation_size=20 --set data.test_size=20 "
      "--set train.evaluate_every=2 --batch 20 ";
  const std::string short_ = train_ + "--iterations 6 ";
  const std::string model_ = "'" + source_dir() + "/models/otflow_8gaussians.h5' ";
};

// A full disk ended the training at its first validation, and so did `2>&1 | head`.
TEST_F(ReportCommand, ABrokenStandardErrorDoesNotEndATraining) {
  EXPECT_EQ(bash(short_ + "-o full 2> /dev/full"), 0);
  EXPECT_EQ(bash(short_ + "-o closed 2>&-"), 0);
  EXPECT_EQ(bash(short_ + "-o pipe 2> >(exec sleep 0)"), 0);
  EXPECT_EQ(bash("{ sleep 0.3; " + short_ + "-o head; echo $? > code.txt; } 2>&1 | head -c 0"), 0);
  for (const char* run : {"full", "closed", "pipe"}) {
    EXPECT_TRUE(std::filesystem::exists(file(std::string(run) + "/model.h5"))) << run;
    EXPECT_EQ(read_training_state(file(std::string(run) + "/last.h5")).iteration, 6) << run;
  }
  // Its results had nowhere to go, which is no success; the run is whole all the same.
  EXPECT_EQ(read_training_state(file("head/last.h5")).iteration, 6);
  EXPECT_NE(get("code.txt"), "0\n");
}

// With the standard error closed, its number went to a file, and messages were written into it.
TEST_F(ReportCommand, AClosedStandardErrorDoesNotWriteIntoAFile) {
  ASSERT_EQ(bash("$P density " + model_ + "--grid=-1:1:4 -o good.csv --steps 1"), 0);
  ASSERT_EQ(bash("$P density " + model_ + "--grid=-1:1:4 -o bad.csv --steps 1 2>&-"), 0);
  EXPECT_EQ(get("bad.csv"), get("good.csv"));
}

TEST_F(ReportCommand, ResultsThatCannotBeWrittenAreAnError) {
  const std::string density = "$P density " + model_ + "--grid=-1:1:4 ";
  EXPECT_EQ(bash(density + "> /dev/full"), 2);
  EXPECT_EQ(get("err.txt"), "pathline: standard output: cannot write: No space left on device\n");
  EXPECT_EQ(bash(density + ">&-"), 2);
  EXPECT_THAT(get("err.txt"), HasSubstr("standard output: cannot write"));
  EXPECT_EQ(bash("$P density " + model_ + "--grid=-1:1:300 | head -n 1; exit ${PIPESTATUS[0]}"), 141);  // as SIGPIPE
  EXPECT_EQ(get("err.txt"), "");
}

TEST_F(ReportCommand, EverySignalThatEndsAJobSavesATrainingSlow) {
  for (const char* signal : {"INT", "TERM", "HUP", "USR1", "XCPU"}) {
    const std::string name = std::string("run_") + signal;
    // Until the first checkpoint is there: the program then saves on a signal.
    EXPECT_EQ(bash(train_ + "--iterations 1000000 --quiet -o " + name + " & job=$!\n" + "until test -e " + name +
                   "/last.h5; do kill -0 $job || exit 9; sleep 0.02; done; sleep 0.2\n" + "kill -" + signal +
                   " $job; wait $job"),
              130)
        << signal;
    EXPECT_GT(read_training_state(file(name + "/last.h5")).iteration, 0) << signal;
    EXPECT_THAT(get("err.txt"), HasSubstr("continue with: pathline train --resume")) << signal;
  }
  EXPECT_EQ(bash("(trap '' HUP; exec " + train_ +
                 "--iterations 400 --quiet -o nohup) & job=$!\nsleep 0.2; kill -HUP $job; "
                 "wait $job"),
            0)
      << "nohup";
}

TEST_F(ReportCommand, AnInterruptedSampleLeavesNothingAndItsCodeDoesNotSayThatItSaved) {
  EXPECT_EQ(bash("$P sample " + model_ + "-n 100000000 -o s.h5 & job=$!\nsleep 0.5; kill -TERM $job; wait $job"), 143);
  EXPECT_FALSE(std::filesystem::exists(file("s.h5")));
  EXPECT_EQ(bash("ls -A | grep part"), 1);
  EXPECT_EQ(bash("$P --help"), 0);
  EXPECT_THAT(get("out.txt"), HasSubstr("130 interrupted (`train` has then saved"));
}

TEST_F(ReportCommand, ThreadsMustNotBeNegative) {
  for (const std::string& command : {std::string("train --data moons -o x"), "sample " + model_ + "-n 1 -o x.h5",
                                     "density " + model_ + "--grid=-1:1:2", "plot " + model_ + "-o x.png"}) {
    EXPECT_EQ(bash("$P " + command + " --threads -1"), 2) << command;
    EXPECT_EQ(get("err.txt"), "pathline: --threads = -1: must be >= 0\n") << command;
  }
}

}  // namespace
}  // namespace pathline

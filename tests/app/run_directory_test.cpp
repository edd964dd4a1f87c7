// Runs that are damaged, doubled or killed: the real program.
#include <cstdlib>
#include <filesystem>

#include <gmock/gmock.h>

#include "pathline/checkpoint/model.hpp"
#include "program.hpp"

namespace pathline {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class RunFiles : public ScriptedProgram {
 protected:
  std::string digest(const std::string& run) const { return read_card(file(run + "/model.h5")).digest; }
  const std::string train_ =
      "$P train --data moons --set model.hidden=4 --set data.validation_size=20 --set data.test_size=20 --quiet "
      "--set train.evaluate_every=2 --set train.checkpoint_every=2 --batch 20 ";
};

// One flipped bit of theta or of Adam's moments made another run, without a word.
TEST_F(RunFiles, ADamagedLastCheckpointIsNoticedAndThePreviousOneContinuesSlow) {
  ASSERT_EQ(bash(train_ + "--iterations 6 -o run"), 0);
  const std::string whole = digest("run"), last = get("run/last.h5"), previous = get("run/previous.h5");
  ASSERT_FALSE(previous.empty());
  for (std::size_t i = 0; i < 12; ++i) {
    std::string flipped = last;
    flipped[(2 * i + 1) * last.size() / 24] ^= 1;
    put("run/last.h5", flipped), put("run/previous.h5", previous);
    ASSERT_EQ(bash("$P train --resume run --quiet"), 0) << get("err.txt");
    EXPECT_THAT(get("err.txt"), HasSubstr("continuing from run/previous.h5"));
    EXPECT_EQ(digest("run"), whole);
    const std::string metrics = get("run/metrics.jsonl");
    EXPECT_EQ(std::count(metrics.begin(), metrics.end(), '\n'), 3);  // at 2, 4 and 6
  }
  std::filesystem::remove(file("run/last.h5")), put("run/previous.h5", previous);
  ASSERT_EQ(bash("$P train --resume run --quiet"), 0) << get("err.txt");
  EXPECT_EQ(digest("run"), whole);
  put("run/last.h5", last.substr(0, last.size() / 2)), put("run/previous.h5", "no");
  EXPECT_EQ(bash("$P train --resume run --quiet"), 2);
  EXPECT_THAT(get("err.txt"), StartsWith("pathline: run/last.h5: "));
}

// The model was chosen first, which takes a good part of the time.
TEST_F(RunFiles, ADirectoryThatCannotTakeARunIsRefusedBeforeAModelIsChosenSlow) {
  std::string table = "a,b\n";
  for (int i = 0; i < 60; ++i) table += std::to_string(i * i % 61) + "," + std::to_string(i * i * i % 67) + "\n";
  put("t.csv", table);
  ASSERT_EQ(bash("$P train t.csv -o run --time 1"), 0) << get("err.txt");
  const std::string chosen = "rows are few: ";
  EXPECT_THAT(get("err.txt"), HasSubstr(chosen));
  EXPECT_EQ(bash("$P train t.csv -o run --time 1"), 2);
  EXPECT_EQ(get("err.txt"),
            "pathline: run/last.h5: this directory already contains a run; continue it with --resume, choose another -o, "
            "or replace it with --force\n");
  for (const std::string force : {"", " --force"}) {
    EXPECT_EQ(bash("$P train t.csv -o t.csv --time 1" + force), 2);
    EXPECT_EQ(get("err.txt"), "pathline: t.csv: cannot write: Not a directory\n");
  }
  EXPECT_EQ(bash("$P train t.csv -o run --time 1 --force"), 0) << get("err.txt");
}

// Two processes continued one run, and its metrics were doubled.
TEST_F(RunFiles, ARunIsContinuedByOneProcessAtATimeSlow) {
  const std::string begin = train_ +
                            "--iterations 1000000 -o run & job=$!\n"
                            "until test -e run/last.h5; do kill -0 $job || exit 9; sleep 0.02; done\n";
  EXPECT_EQ(bash(begin + "$P train --resume run --iterations 10 --quiet; code=$?; " + train_ +
                 "--force --iterations 1 -o run; forced=$?; kill -TERM $job; wait $job; exit $((10 * code + forced))"),
            22);
  EXPECT_THAT(get("err.txt"), HasSubstr("pathline: run: in use by process "));
  EXPECT_FALSE(std::filesystem::exists(file("run/.lock")));
  // A holder that was killed leaves no lock, and a run that continues.
  EXPECT_EQ(bash("$P train --resume run --iterations 1000000 --quiet & job=$!\nsleep 0.3; kill -9 $job; wait $job; "
                 "n=$(grep -o '\"iteration\": *[0-9]*' run/metrics.jsonl | tail -n 1 | tr -dc 0-9)\n"
                 "exec $P train --resume run --iterations $((n + 20)) --quiet"),
            0)
      << get("err.txt");
  EXPECT_FALSE(std::filesystem::exists(file("run/.lock")));
}

}  // namespace
}  // namespace pathline

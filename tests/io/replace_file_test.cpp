#include "pathline/io/replace_file.hpp"

#include <sys/stat.h>

#include <csignal>
#include <cstdlib>

#include <gmock/gmock.h>

#include "message.hpp"
#include "scratch.hpp"

namespace pathline {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

class ReplaceFileTest : public Scratch {
 protected:
  static void write(const ReplaceFile& output, const std::string& text) { std::ofstream(output.path()) << text; }
};

TEST_F(ReplaceFileTest, TargetIsOldUntilCommitAndNewAfter) {
  const std::string target = put("a file.txt", "old");
  ReplaceFile output(target);
  write(output, "new");
  EXPECT_EQ(get("a file.txt"), "old");
  output.commit();
  EXPECT_EQ(get("a file.txt"), "new");
  EXPECT_EQ(files(), 1);
}

TEST_F(ReplaceFileTest, NothingIsLeftWithoutCommit) {
  const std::string target = put("a", "old");
  {
    ReplaceFile output(target), other(file("b"));
    write(output, "half");
    EXPECT_EQ(files(), 3);
  }
  EXPECT_EQ(get("a"), "old");
  EXPECT_EQ(files(), 1);
}

TEST_F(ReplaceFileTest, TwoWritersOfOneTargetDoNotMeet) {
  ReplaceFile first(file("a")), second(file("a"));
  write(first, "first");
  write(second, "second");
  second.commit();
  first.commit();
  EXPECT_EQ(get("a"), "first");
  EXPECT_EQ(files(), 1);
}

TEST_F(ReplaceFileTest, KeepsThePermissionsOfWhatItReplaces) {
  const std::string target = put("a", "old");
  fs::permissions(target, fs::perms{0640});
  ReplaceFile output(target);
  output.commit();
  EXPECT_EQ(fs::status(target).permissions(), fs::perms{0640});
}

TEST_F(ReplaceFileTest, FollowsALink) {
  put("data", "old");
  fs::create_symlink("data", file("link"));
  ReplaceFile output(file("link"));
  write(output, "new");
  output.commit();
  EXPECT_TRUE(fs::is_symlink(file("link")));
  EXPECT_EQ(get("data"), "new");
}

TEST_F(ReplaceFileTest, MissingDirectoryIsAnErrorAtOnce) {
  EXPECT_EQ(message([&] { ReplaceFile output("no such directory/out.h5"); }),
            "no such directory/out.h5: cannot write: No such file or directory");
  EXPECT_THAT(message([&] { ReplaceFile output(file("")); }), HasSubstr("cannot write: Is a directory"));
  EXPECT_THAT(message([&] { ReplaceFile output(root_.string()); }), HasSubstr("cannot write: Is a directory"));
  EXPECT_THAT(message([&] { ReplaceFile output(put("f", "") + "/out.h5"); }), HasSubstr("Not a directory"));
  EXPECT_THAT(message([&] { ReplaceFile output(""); }), HasSubstr("\"\": cannot write"));
  EXPECT_THAT(message([&] { ReplaceFile output("/dev/nothing/x"); }), HasSubstr("cannot write"));
}

TEST_F(ReplaceFileTest, DevicesAndPipesAreWrittenDirectly) {
  ASSERT_EQ(::mkfifo(file("pipe").c_str(), 0600), 0);
  for (const std::string& name : {std::string("/dev/null"), std::string("/dev/stdout"), file("pipe")}) {
    ReplaceFile output(name);
    EXPECT_TRUE(output.is_direct());
    EXPECT_EQ(output.path(), name);
    output.commit();
  }
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
  EXPECT_TRUE(fs::is_fifo(file("pipe")));
}

TEST_F(ReplaceFileTest, DirectoryThatWentAwayIsAnErrorOfCommit) {
  fs::create_directory(file("dir"));
  ReplaceFile output(file("dir/a"));
  fs::remove_all(file("dir"));
  EXPECT_THAT(message([&] { output.commit(); }), HasSubstr("dir/a: cannot write: No such file or directory"));
}

// A run that was stopped by Ctrl-C left .part files behind.
TEST_F(ReplaceFileTest, SignalRemovesTheTemporaryFilesAndEndsTheProcess) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    const auto stopped = [&] {
      remove_temporaries_on_signals();
      ReplaceFile done(file("done"));
      done.commit();
      ReplaceFile first(file("a")), second(file("b"));
      if (files() != 3) std::exit(3);
      std::raise(signal);
    };
    EXPECT_EXIT(stopped(), testing::KilledBySignal(signal), "");
    EXPECT_EQ(files(), 1) << signal;
    EXPECT_TRUE(fs::exists(file("done")));
  }
}

}  // namespace
}  // namespace pathline

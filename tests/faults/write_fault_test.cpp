// Every call of a small run that opens, makes, writes, closes or renames a file is failed once (strace's injection): no
// command may end with success and a file that is not the one it would have been, an older file stays whole, and
// nothing else is left behind.
#include <sys/wait.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "faults/fault_report.hpp"
#include "paths.hpp"
#include "scratch.hpp"

namespace pathline {
namespace {

namespace fs = std::filesystem;

constexpr std::array kCalls = {"openat", "mkdir", "pwrite64", "write",    "writev",
                               "fsync",  "close", "rename",   "ftruncate"};
constexpr std::array kErrors = {"ENOSPC", "EIO", "EINTR"};
constexpr std::size_t kFew = 4;  // so many calls of a kind get every error; of more, each gets one in turn

struct Outcome {
  int code;            // of the program; 128 + n for signal n
  std::string errors;  // its standard error
};

class WriteFaultsSlow : public Scratch {
 protected:
  void SetUp() override {
    Scratch::SetUp();
    if (std::system("strace -qq -o /dev/null true > /dev/null 2>&1") != 0)
      GTEST_SKIP() << "strace cannot trace here, so no system call can be failed";
  }

  void TearDown() override {
    report_.print();
    Scratch::TearDown();
  }

  // arguments: of pathline, in the scratch directory. strace: its options; what it prints goes to trace.txt.
  Outcome run(const std::string& strace, const std::string& arguments) const {
    const std::string shell = "cd '" + root_.string() + "/work' && strace -f --seccomp-bpf -qq -o ../trace.txt " +
                              strace + " '" + tool_path() + "' " + arguments + " > ../out.txt 2> ../err.txt < /dev/null";
    const int status = std::system(("bash -c '" + escaped(shell) + "'").c_str());
    return {WEXITSTATUS(status), get("err.txt")};
  }
  static std::string escaped(const std::string& text) {
    std::string out;
    for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return out;
  }

  // What is in the working directory: names and bytes.
  std::map<std::string, std::string> content() const {
    std::map<std::string, std::string> all;
    for (const auto& entry : fs::recursive_directory_iterator(root_ / "work")) {
      if (!entry.is_regular_file()) continue;
      std::ostringstream text;
      text << std::ifstream(entry.path(), std::ios::binary).rdbuf();
      all[fs::relative(entry.path(), root_ / "work").string()] = text.str();
    }
    return all;
  }

  void restore(const std::map<std::string, std::string>& files) const {
    fs::remove_all(root_ / "work");
    fs::create_directories(root_ / "work");
    for (const auto& [name, text] : files) {
      fs::create_directories((root_ / "work" / name).parent_path());
      std::ofstream(root_ / "work" / name, std::ios::binary) << text;
    }
  }

  // Which calls of that kind, from 1, are about a file of ours: strace counts those of the loader too.
  std::vector<int> places(const std::string& call) const {
    std::vector<int> out;
    int n = 0;
    std::istringstream lines(get("trace.txt"));
    for (std::string line; std::getline(lines, line);) {
      if (line.find(" " + call + "(") == std::string::npos) continue;
      ++n;
      const bool any_file = call != "openat" && call != "close";
      const bool failed = line.find(") = -1 ") != std::string::npos;
      bool ours = false;
      for (const std::string& place : {root_.string(), source_dir() + "/models", fixtures_dir()})
        ours = ours || line.find(place) != std::string::npos;
      if (any_file || (ours && !failed)) out.push_back(n);
    }
    return out;
  }

  // Fails each call of the command once, or one of so many. The command runs on one thread, whose calls strace counts.
  // same(clean, now): whether a run that ended with 0 made what it should.
  template <class Same>
  void fail_each_call(const std::string& arguments, const std::string& output, Same same, int one_of = 1) {
    const auto before = content();
    std::string all_calls;
    for (const char* call : kCalls) all_calls += (all_calls.empty() ? "" : ",") + std::string(call);
    const auto clean = run("-y -e trace=" + all_calls, arguments);
    ASSERT_EQ(clean.code, 0) << clean.errors;
    const auto after = content();
    std::map<std::string, std::vector<int>> calls;
    for (const char* call : kCalls) calls[call] = places(call);
    int planned = 0, injected = 0, refused = 0;
    for (const auto& [call, all] : calls)
      for (std::size_t i = 0; i < all.size(); ++i)
        for (std::size_t e = 0; e < kErrors.size(); ++e) {
          if (all.size() > kFew && i % kErrors.size() != e) continue;
          if (all.size() > 3 * kFew && i / kErrors.size() % 4 != 0 && (call == "openat" || call == "close")) continue;
          if (planned++ % one_of != 0) continue;
          const std::string fault = call + ":error=" + kErrors[e] + ":when=" + std::to_string(all[i]);
          SCOPED_TRACE(arguments + "   " + fault);
          restore(before);
          const auto outcome = run("-e trace=" + call + " -e inject=" + fault, arguments);
          ++injected, refused += outcome.code != 0;
          auto& counts = report_.of(call + " " + kErrors[e]);
          ++counts.injected;
          expect_whole(outcome, call, output, before, after, same, counts);
          ++(HasFailure() ? counts.lost : counts.survived);
          if (HasFailure()) return;
        }
    restore(after);
    EXPECT_GT(refused, 0) << "no fault was noticed";
    std::cout << injected << " faults, " << refused << " refused: " << arguments << "\n";
  }

  using Files = std::map<std::string, std::string>;
  template <class Same> void expect_whole(const Outcome& outcome, const std::string& call, const std::string& output,
                                          const Files& before, const Files& after, Same same,
                                          FaultCounts& counts) const {
    SCOPED_TRACE(outcome.errors);
    const auto now = content();
    EXPECT_LT(outcome.code, 3);
    for (const auto& [name, text] : now) counts.left += name.find(".part") != name.npos;
    EXPECT_EQ(counts.left, 0);
    if (outcome.code == 0) {
      EXPECT_TRUE(same(after, now));
      return;
    }
    // The line about the fault may be what could not be written.
    if (!outcome.errors.empty() || call != "write")
      EXPECT_THAT(outcome.errors, testing::AllOf(testing::StartsWith("pathline: "), testing::EndsWith("\n")));
    EXPECT_LE(std::count(outcome.errors.begin(), outcome.errors.end(), '\n'), 1);
    // The new file may be in place only if what failed came after it: the result on standard output, or the last
    // step, which secures a rename that is done against a power failure.
    if (!before.count(output)) return;
    const bool after_rename = outcome.errors.find(": written, but ") != std::string::npos ||
                              outcome.errors.find("standard output") != std::string::npos;
    const std::string found = now.count(output) ? now.at(output) : "none";
    EXPECT_TRUE(found == before.at(output) || (after_rename && found == after.at(output)));
  }

  void fail_calls_of_training(int one_of);

  // theta and Adam's moments are whole: the run goes on.
  bool resumes(const std::map<std::string, std::string>& files) const {
    restore(files);
    const std::string shell = "cd '" + (root_ / "work").string() + "' && '" + tool_path() + "'" +
                              " train --resume run --iterations 6 --threads 1 --quiet > ../out.txt 2>&1 < /dev/null";
    return std::system(shell.c_str()) == 0;
  }

  static bool is_same(const std::map<std::string, std::string>& a, const std::map<std::string, std::string>& b) {
    return a == b;
  }

  FaultReport report_;
};

TEST_F(WriteFaultsSlow, EveryCommandWritesAllOrFails) {
  restore({{"d.h5", "old"},
           {"d.csv", "old"},
           {"d.npy", "old"},
           {"s.h5", "old"},
           {"i.h5", "old"},
           {"t.h5", "old"},
           {"p.png", "old"}});
  const std::string model = "'" + source_dir() + "/models/otflow_8gaussians.h5' ";
  for (const char* output : {"d.h5", "d.csv", "d.npy"})
    fail_each_call("density " + model + "--grid=-1:1:5 --threads 1 --quiet -o " + output, output, is_same);
  fail_each_call("sample " + model + "-n 70 --log-density --threads 1 --quiet -o s.h5", "s.h5", is_same);
  fail_each_call("data sample moons -n 50 -o t.h5", "t.h5", is_same);
  fail_each_call("data sample moons -n 50 -o d.csv", "d.csv", is_same);
  fail_each_call("import ffjord '" + fixtures_dir() + "/ffjord_8gaussians.h5' -o i.h5", "i.h5", is_same);
  // Cairo draws with another font, or none, where the file of a font cannot be opened, and says nothing.
  fail_each_call("plot " + model + "--cells 10 --samples 20 --threads 1 --quiet -o p.png", "p.png",
                 [](const auto& clean, const auto& now) {
                   return now.count("p.png") > 0 && 4 * now.at("p.png").size() > clean.at("p.png").size();
                 });
}

// Times are part of a run's files, so what a run ended with 0 made is judged by the model that it says it made.
void WriteFaultsSlow::fail_calls_of_training(int one_of) {
  fs::create_directories(root_ / "work");
  const std::string train =
      "train --data moons --iterations 4 --set model.hidden=4 --set data.validation_size=20 "
      "--set data.test_size=20 --set train.evaluate_every=2 --set train.checkpoint_every=2 "
      "--batch 20 --threads 1 --quiet -o run";
  std::string expected;  // of the clean run
  fail_each_call(train, "run/model.h5", [&](const auto& clean, const auto& now) {
    if (!now.count("run/model.h5") || !now.count("run/last.h5")) return false;
    const std::string digest = "'" + tool_path() + "' info run/model.h5 | grep -E \"digest|parameters\"";
    const auto info = [&](const std::map<std::string, std::string>& files) {
      restore(files);
      const std::string shell = "cd '" + (root_ / "work").string() + "' && " + digest + " > ../info.txt 2>&1; " +
                                "'" + tool_path() + "' info run/last.h5 | grep digest >> ../info.txt 2>&1";
      if (std::system(shell.c_str()) != 0) return std::string("none");
      return get("info.txt");
    };
    if (expected.empty()) expected = info(clean);
    const std::string found = info(now);
    return expected == found && expected != "none" && resumes(now);
  }, one_of);
}

TEST_F(WriteFaultsSlow, TrainingSavesAllOrFails) { fail_calls_of_training(5); }
TEST_F(WriteFaultsSlow, TrainingSavesAllOrFailsExhaustive) { fail_calls_of_training(1); }

}  // namespace
}  // namespace pathline

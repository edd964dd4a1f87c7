// Faults that come from outside of the program: it is killed, told to end, short of disk or memory, or has company.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>

#include "faults/fault_report.hpp"
#include "pathline/checkpoint/model.hpp"
#include "pathline/checkpoint/training_state.hpp"
#include "pathline/core/error.hpp"
#include "paths.hpp"
#include "scratch.hpp"

namespace pathline {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const std::string kModel = source_dir() + "/models/otflow_8gaussians.h5";

struct Limit {
  decltype(RLIMIT_AS) resource;
  rlim_t value;
};

class ProcessFaultsSlow : public Scratch {
 protected:
  void TearDown() override {
    report_.print();
    Scratch::TearDown();
  }

  // Starts the program in the scratch directory; its standard error is in err.txt.
  pid_t start(std::vector<std::string> arguments, const std::vector<Limit>& limits = {}) const {
    arguments.insert(arguments.begin(), tool_path());
    std::vector<char*> argv;
    for (auto& a : arguments) argv.push_back(a.data());
    argv.push_back(nullptr);
    const std::string out = file("out.txt"), err = file("err.txt");
    const pid_t child = ::fork();
    if (child != 0) return child;
    const int flags = O_CREAT | O_TRUNC | O_WRONLY;
    ::dup2(::open("/dev/null", O_RDONLY), 0), ::dup2(::open(out.c_str(), flags, 0600), 1);
    ::dup2(::open(err.c_str(), flags, 0600), 2);
    std::signal(SIGXFSZ, SIG_IGN);  // as Python and many shells leave it, so that a write fails with EFBIG
    for (const auto& limit : limits) {
      const rlimit both{limit.value, limit.value};
      ::setrlimit(limit.resource, &both);
    }
    if (::chdir(root_.c_str()) == 0) ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  // The exit code; 128 + n for signal n.
  static int end_of(pid_t child) {
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  int run(const std::vector<std::string>& arguments, const std::vector<Limit>& limits = {}) const {
    return end_of(start(arguments, limits));
  }

  int parts() const {
    int count = 0;
    for (const auto& entry : fs::recursive_directory_iterator(root_))
      count += entry.path().filename().string().find(".part") != std::string::npos;
    return count;
  }

  // A run that would take hours, which writes a checkpoint at every iteration.
  static std::vector<std::string> training() {
    std::vector<std::string> out{"train", "--data", "moons", "-o", "run", "--threads", "1", "--quiet", "--batch", "20"};
    for (const char* set : {"model.hidden=4", "data.validation_size=20", "data.test_size=20", "train.evaluate_every=2",
                            "train.checkpoint_every=1", "optimizer.schedule=constant"})
      out.insert(out.end(), {"--set", set});
    out.insert(out.end(), {"--iterations", "1000000"});
    return out;
  }
  static std::vector<std::string> resumed(Index iterations) {
    return {"train", "--resume", "run", "--threads", "1", "--quiet", "--iterations", std::to_string(iterations)};
  }
  bool wait_for(const std::string& name) const {
    for (int i = 0; i < 1000 && !fs::exists(file(name)); ++i) pause(0.02);
    return fs::exists(file(name));
  }
  static void pause(double seconds) { std::this_thread::sleep_for(std::chrono::duration<double>(seconds)); }

  // The iteration from which the run would continue; -1 if it cannot.
  Index iteration() const {
    for (const char* name : {"run/last.h5", "run/previous.h5"}) {
      try {
        (void)read_card(file(name));
        return read_training_state(file(name)).iteration;
      } catch (const InputError&) {
      }
    }
    return -1;
  }

  // Ends the run by a signal at random moments; each time nothing may be lost, and the next one goes on.
  void end_at_random_moments(int signal, int times, const std::string& kind) {
    auto& counts = report_.of(kind);
    pid_t child = start(training());
    ASSERT_TRUE(wait_for("run/last.h5")) << get("err.txt");
    std::mt19937_64 engine(1);
    Index reached = 0;
    for (int i = 0; i < times; ++i) {
      pause(0.25 * static_cast<double>(engine() % 1000) / 1000);
      ::kill(child, signal);
      const int code = end_of(child);
      ++counts.injected;
      EXPECT_TRUE(code == 128 + signal || code == 130) << code << get("err.txt");
      const Index now = iteration();
      ++(now >= reached ? counts.survived : counts.lost);
      EXPECT_GE(now, reached);
      reached = now;
      child = start(resumed(1000000));
    }
    pause(0.1), ::kill(child, SIGKILL), end_of(child);
    EXPECT_EQ(run(resumed(iteration() + 2)), 0) << get("err.txt");
    EXPECT_GT(iteration(), 0);
    counts.left = parts();
    EXPECT_EQ(counts.left, 0);
    EXPECT_GT(read_card(file("run/model.h5")).digest.size(), 0u);
  }

  // A command under a limit: with success it has made the file that it makes without one; else the older file is whole.
  void expect_whole(const std::vector<std::string>& arguments, const std::string& output, const Limit& limit,
                    const std::string& kind) {
    auto& counts = report_.of(kind);
    ASSERT_EQ(run(arguments), 0) << get("err.txt");
    const std::string made = get(output);
    put(output, "old");
    const int code = run(arguments, {limit});
    const std::string found = get(output), error = get("err.txt");
    const bool whole = code == 0 ? found == made : (code == 1 || code == 2) && found == "old";
    ++counts.injected, ++(whole ? counts.survived : counts.lost), counts.left += parts();
    EXPECT_TRUE(whole) << testing::PrintToString(arguments) << limit.value << " ended with " << code << ": " << error;
    EXPECT_EQ(parts(), 0);
    const bool told = limit.resource != RLIMIT_FSIZE || limit.value > 1000;  // err.txt is under the limit, too
    if (code != 0 && told) {
      EXPECT_THAT(error, testing::StartsWith("pathline: "));
      EXPECT_EQ(std::count(error.begin(), error.end(), '\n'), 1) << error;
    }
    fs::remove(file(output));
  }

  FaultReport report_;
};

TEST_F(ProcessFaultsSlow, KilledAtRandomMomentsARunGoesOn) { end_at_random_moments(SIGKILL, 40, "kill -9"); }

TEST_F(ProcessFaultsSlow, ToldToEndAtRandomMomentsARunSavesItsState) { end_at_random_moments(SIGTERM, 12, "SIGTERM"); }

TEST_F(ProcessFaultsSlow, AFullDiskOfAnySizeLeavesTheOlderFile) {
  for (rlim_t kilobytes : {0, 1, 2, 3, 5, 8, 12, 20, 40, 100}) {
    const Limit limit{RLIMIT_FSIZE, kilobytes << 10};
    for (const std::string output : {"s.h5", "s.csv", "s.npy"})
      expect_whole({"sample", kModel, "-n", "700", "--threads", "1", "--quiet", "-o", output}, output, limit,
                   "full disk");
    expect_whole({"density", kModel, "--grid=-1:1:20", "--threads", "1", "--quiet", "-o", "d.h5"}, "d.h5", limit,
                 "full disk");
  }
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // which take terabytes of address space
TEST_F(ProcessFaultsSlow, TooLittleMemoryLeavesTheOlderFile) {
  for (rlim_t megabytes : {60, 80, 100, 120, 140, 170, 200, 300})
    expect_whole({"sample", kModel, "-n", "50000", "--threads", "1", "--quiet", "-o", "s.h5"}, "s.h5",
                 {RLIMIT_AS, megabytes << 20}, "memory limit");
}

// It said no more than "out of memory", and left a model without a word of whether it is whole.
TEST_F(ProcessFaultsSlow, ADistillationThatRunsOutOfMemorySaysWhatIsWritten) {
  auto& counts = report_.of("memory limit");
  int said = 0;
  for (rlim_t megabytes = 60; megabytes <= 150 && said == 0; megabytes += 15) {  // which one depends on the build
    const int code =
        run({"distill", kModel, "--iterations", "2", "--pairs", "200000", "--threads", "1", "--quiet", "-o", "q.h5"},
            {{RLIMIT_AS, megabytes << 20}});
    const std::string error = get("err.txt");
    const bool made = fs::exists(file("q.h5"));
    SCOPED_TRACE(std::to_string(megabytes) + " MB: " + error);
    EXPECT_EQ(parts(), 0);
    if (made) EXPECT_GT(read_card(file("q.h5")).digest.size(), 0u);
    if (code != 0) {
      const bool written =
          error.find("out of memory: its comparison with the original; q.h5 is written and whole") != error.npos;
      EXPECT_EQ(written, made);
      said += written;
    }
    ++counts.injected, ++(HasFailure() ? counts.lost : counts.survived);
    fs::remove(file("q.h5"));
  }
  EXPECT_GT(said, 0);
}
#endif

TEST_F(ProcessFaultsSlow, ASecondRunInTheDirectoryIsRefusedAndTheFirstGoesOn) {
  auto& counts = report_.of("two runs in one directory");
  const pid_t first = start(training());
  ASSERT_TRUE(wait_for("run/last.h5"));
  for (int i = 0; i < 3; ++i) {
    const int code = run(resumed(1000000));
    ++counts.injected, ++(code == 2 ? counts.survived : counts.lost);
    EXPECT_EQ(code, 2);
    EXPECT_THAT(get("err.txt"), HasSubstr("run"));
  }
  ::kill(first, SIGTERM);
  EXPECT_EQ(end_of(first), 130);
  EXPECT_GE(iteration(), 0);
  counts.left = parts();
  EXPECT_EQ(counts.left, 0);
}

TEST_F(ProcessFaultsSlow, ADirectoryThatDisappearsIsSaid) {
  auto& counts = report_.of("deleted directory");
  auto arguments = training();
  arguments.back() = "200";
  const pid_t child = start(arguments);
  ASSERT_TRUE(wait_for("run/last.h5"));
  fs::remove_all(file("run"));
  const int code = end_of(child);
  ++counts.injected, ++(code == 1 || code == 2 ? counts.survived : counts.lost);
  EXPECT_TRUE(code == 1 || code == 2) << code << get("err.txt");
  EXPECT_THAT(get("err.txt"), HasSubstr("run/"));
}

}  // namespace
}  // namespace pathline

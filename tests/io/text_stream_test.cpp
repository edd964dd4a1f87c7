#include "io/text_stream.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <fstream>
#include <optional>
#include <string>
#include <thread>

#include <gmock/gmock.h>

#include "message.hpp"
#include "pathline/io/hdf5.hpp"
#include "pathline/io/table.hpp"
#include "scratch.hpp"

namespace pathline {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;

class TextStream : public Scratch {
 protected:
  void SetUp() override {
    Scratch::SetUp();
    report_waiting([this](const std::string& name) {
      waited_for_.push_back(name);
      if (when_waiting_) when_waiting_();
    });
  }
  void TearDown() override { report_waiting(nullptr); }
  std::string pipe(const std::string& name) const {
    EXPECT_EQ(::mkfifo(file(name).c_str(), 0600), 0);
    return file(name);
  }
  // A descriptor of the file as the shell's redirection gives it, under the names of the system.
  struct Redirected {
    explicit Redirected(const std::string& file) : number(::open(file.c_str(), O_RDONLY)) {}
    ~Redirected() { ::close(number); }
    int number;
  };

  std::vector<std::string> waited_for_;
  std::function<void()> when_waiting_;
};

TEST_F(TextStream, TheNamesOfTheSystemAreRecognized) {
  for (const char* name : {"-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"}) {
    EXPECT_TRUE(is_standard_input(name)) << name;
    EXPECT_TRUE(is_text_stream(name)) << name;
    EXPECT_TRUE(names_a_table(name)) << name;
    EXPECT_THAT(message([&] { (void)writable_table_format(name); }), HasSubstr("unknown format")) << name;
  }
  EXPECT_FALSE(is_standard_input("/dev/fd/1"));
  EXPECT_FALSE(is_text_stream("stdin"));
  EXPECT_FALSE(is_text_stream(put("a.csv", "")));
  EXPECT_TRUE(is_text_stream(pipe("a")));
  EXPECT_TRUE(names_a_table(file("a")));
}

// Bash writes <(command) so. The name had no format.
TEST_F(TextStream, AnOpenDescriptorIsReadAsText) {
  put("a.csv", "x,y\n1,2\n");
  const Redirected in(file("a.csv"));
  for (const char* directory : {"/dev/fd/", "/proc/self/fd/"})
    EXPECT_EQ(read_table(directory + std::to_string(in.number)).columns, (std::vector<std::string>{"x", "y"}));
  EXPECT_THAT(waited_for_, testing::IsEmpty());
  EXPECT_THAT(message([&] { (void)read_table("/dev/fd/9999"); }), HasSubstr("/dev/fd/9999: cannot read: "));
}

// The program waited for ever, and did not say for what.
TEST_F(TextStream, APipeThatNobodyWritesIsNamedSlow) {
  for (const char* name : {"pipe", "pipe.csv"}) {
    const std::string path = pipe(name);
    std::thread writer;
    when_waiting_ = [&] { writer = std::thread([&] { std::ofstream(path) << "x,y\n1,2\n"; }); };
    EXPECT_EQ(read_table(path).values.size(), 2) << name;
    writer.join();
  }
  EXPECT_THAT(waited_for_, ElementsAre(EndsWith("/pipe"), EndsWith("/pipe.csv")));
}

// Sends signals to this thread, whose handler returns, until it is destroyed. A wait that takes no notice of them ends
// with an empty pipe.
class Signals {
 public:
  explicit Signals(std::string pipe) {
    struct sigaction action {};  // without SA_RESTART, as Python has it
    action.sa_handler = [](int) {};
    ::sigaction(SIGUSR1, &action, &before_);
    sender_ = std::thread([this, pipe, reader = ::pthread_self()] {
      for (int i = 0; i < 500 && !done_; ++i) {
        ::pthread_kill(reader, SIGUSR1);
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
      }
      if (const int end = done_ ? -1 : ::open(pipe.c_str(), O_WRONLY | O_NONBLOCK); end >= 0) ::close(end);
    });
  }
  ~Signals() {
    done_ = true;
    sender_.join();
    ::sigaction(SIGUSR1, &before_, nullptr);
  }

 private:
  std::atomic<bool> done_ = false;
  struct sigaction before_ {};
  std::thread sender_;
};

// Within the first second it was taken for the end: "no rows".
TEST_F(TextStream, ASignalEndsTheWaitForAPipe) {
  const std::string path = pipe("pipe");
  const Signals signals(path);
  EXPECT_THAT(message([&] { (void)read_table(path); }), EndsWith("/pipe: cannot read: Interrupted system call"));
  EXPECT_THAT(waited_for_, testing::IsEmpty());
}

// In Python, Ctrl-C had no effect.
TEST_F(TextStream, ASignalEndsALongWaitForAPipeSlow) {
  const std::string path = pipe("pipe");
  std::optional<Signals> signals;
  when_waiting_ = [&] { signals.emplace(path); };
  EXPECT_THAT(message([&] { (void)read_table(path); }), EndsWith("/pipe: cannot read: Interrupted system call"));
  EXPECT_THAT(waited_for_, ElementsAre(EndsWith("/pipe")));
}

TEST_F(TextStream, AFormatThatIsNoTextNeedsAFile) {
  for (const char* name : {"a.npy", "a.npz", "a.h5"}) {
    pipe(name);
    EXPECT_THAT(message([&] { (void)read_table(file(name)); }), HasSubstr(std::string(name) + ": a pipe: ")) << name;
  }
  EXPECT_THAT(message([&] { (void)Hdf5File::open(file("a.h5")); }), HasSubstr(": a pipe: "));
}

}  // namespace
}  // namespace pathline

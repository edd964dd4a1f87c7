#include "io/child_process.hpp"

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "message.hpp"
#include "pathline/core/parallel.hpp"

namespace pathline {
namespace {

using testing::HasSubstr;

constexpr ChildLimits kLimits{.memory_bytes = Index{64} << 20, .seconds = 0.3};

std::string end_of(const std::function<void(ChildProcess::Channel&)>& work) {
  return message([&] {
    ChildProcess child("x.h5", kLimits, work);
    while (child.next()) {
    }
  });
}

TEST(ChildProcess, MessagesComeInTheirOrder) {
  ChildProcess child("x.h5", kLimits, [](auto& channel) {
    for (int i = 0; i < 50; ++i) channel.send(std::string(static_cast<std::size_t>(i) * 10000, static_cast<char>(i)));
  });
  for (int i = 0; i < 50; ++i)
    EXPECT_EQ(child.next(), std::string(static_cast<std::size_t>(i) * 10000, static_cast<char>(i)));
  EXPECT_EQ(child.next(), std::nullopt);
}

TEST(ChildProcess, ItsErrorsAreThrownHere) {
  EXPECT_EQ(end_of([](auto&) { throw InputError("x.h5: no data set"); }), "x.h5: no data set");
  EXPECT_EQ(message<std::runtime_error>([] {
              ChildProcess child("x.h5", kLimits, [](auto&) { throw std::logic_error("odd"); });
              child.next();
            }),
            "odd");
}

TEST(ChildProcess, ACrashIsAnError) {
  EXPECT_EQ(end_of([](auto&) { std::raise(SIGSEGV); }), "x.h5: damaged: the HDF5 library crashed on it (signal 11)");
  EXPECT_THAT(end_of([](auto& channel) {
                channel.send("a part");
                std::abort();
              }),
              HasSubstr("crashed on it (signal 6)"));
}

TEST(ChildProcess, AnEndlessLoopIsAnError) {
  EXPECT_EQ(end_of([](auto&) {
              volatile bool forever = true;
              while (forever) {
              }
            }),
            "x.h5: damaged: the HDF5 library does not finish reading it in 0.3 s of CPU time");
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // which end the process themselves
TEST(ChildProcess, MoreMemoryThanTheLimitIsAnError) {
  EXPECT_THAT(end_of([](auto& channel) {
                std::vector<char> large(std::size_t{256} << 20);
                channel.send({large.data(), 1});
              }),
              HasSubstr("takes more than 64 MB of memory"));
}
#endif

TEST(ChildProcess, AChildThatWaitsForEverIsAnError) {
  EXPECT_EQ(message([] {
              ChildProcess child("x.h5", {.memory_bytes = Index{64} << 20, .seconds = 10, .wait = 0.2}, [](auto&) {
                while (true) ::pause();
              });
              child.next();
            }),
            "x.h5: cannot read: the process that reads it has waited for 0.2 s");
}

TEST(ChildProcess, ASlowReaderIsNoReasonToEnd) {
  ChildProcess child("x.h5", {.memory_bytes = Index{64} << 20, .seconds = 10, .wait = 0.2},
                     [](auto& channel) { channel.send(std::string(4 << 20, 'x')); });  // more than the pipe holds
  std::this_thread::sleep_for(std::chrono::milliseconds(400));
  EXPECT_EQ(child.next(), std::string(4 << 20, 'x'));
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // whose own allocators keep such a lock
// A lock that another thread holds at the fork is locked in the child for ever. OpenMP's threads are idle then, or
// those of another loop allocate all the time.
TEST(ChildProcess, ThreadsThatAllocateAndComputeDoNotHangIt) {
  std::atomic<bool> stop{false};
  std::vector<std::thread> others;
  for (int i = 0; i < 4; ++i)
    others.emplace_back([&] {
      while (!stop)
        parallel_for(16, 3, [](Index j, int) {
          std::ostringstream text;
          text << std::string(static_cast<std::size_t>(1000 * j + 1), 'x') << fmt::format("{:.3f}", 0.1 * j);
          EXPECT_FALSE(text.str().empty());
        });
    });
  for (int i = 0; i < 100; ++i) {
    parallel_for(8, 4, [](Index, int) {});
    ChildProcess child("x.h5", {.memory_bytes = Index{64} << 20, .seconds = 10, .wait = 20}, [](auto& channel) {
      std::vector<std::string> parts;
      for (int k = 0; k < 50; ++k) parts.push_back(fmt::format("{:1000d}", k));
      std::ifstream in("/proc/self/statm");
      std::string line;
      std::getline(in, line);
      channel.send(line.empty() ? "" : parts.back());
    });
    std::string got;
    try {
      got = child.next().value_or("nothing");
    } catch (const InputError& error) {  // the other threads still have to be joined
      got = error.what();
    }
    EXPECT_EQ(got, fmt::format("{:1000d}", 49)) << i;
  }
  stop = true;
  for (auto& thread : others) thread.join();
}
#endif

TEST(ChildProcess, AReaderThatStopsEndsTheChild) {
  ChildProcess child("x.h5", kLimits, [](auto& channel) {
    while (true) channel.send(std::string(1 << 16, 'x'));
  });
  EXPECT_TRUE(child.next());
}

}  // namespace
}  // namespace pathline

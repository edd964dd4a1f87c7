#include "io/child_process.hpp"

#include <csignal>
#include <system_error>
#include <vector>

#include <gmock/gmock.h>

#include "message.hpp"

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
              for (volatile long i = 0;; i = i + 1) {
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

TEST(ChildProcess, AReaderThatStopsEndsTheChild) {
  ChildProcess child("x.h5", kLimits, [](auto& channel) {
    while (true) channel.send(std::string(1 << 16, 'x'));
  });
  EXPECT_TRUE(child.next());
}

}  // namespace
}  // namespace pathline

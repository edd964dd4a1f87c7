#include "pathline/core/parallel.hpp"

#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace pathline {
namespace {

TEST(ParallelFor, CallsTheBodyOnceForEachIndexWithAWorkerOfItsOwn) {
  for (const int threads : {1, 2, 5}) {
    std::vector<std::atomic<int>> calls(100);
    std::atomic<int> largest{0};
    parallel_for(100, threads, [&](Index i, int worker) {
      ++calls[static_cast<std::size_t>(i)];
      if (worker > largest) largest = worker;
    });
    for (const auto& n : calls) EXPECT_EQ(n, 1);
    EXPECT_LT(largest, threads);
  }
}

TEST(ParallelFor, RethrowsTheErrorOfTheSmallestIndexAfterAllCalls) {
  std::atomic<int> calls{0};
  try {
    parallel_for(20, 2, [&](Index i, int) {
      ++calls;
      if (i % 7 == 3) throw std::runtime_error(std::to_string(i));
    });
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "3");
  }
  EXPECT_EQ(calls, 20);
}

// GNU's OpenMP waits there for the threads of the parent: multiprocessing in Python, workers of an event framework.
TEST(ParallelFor, RunsInAProcessThatWasForkedAfterAParallelLoop) {
  std::atomic<int> warm{0};
  parallel_for(8, 3, [&](Index, int) { ++warm; });
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::alarm(20);  // a hang ends by a signal
    int sum = 0, workers = 0;
    parallel_for(8, 3, [&](Index i, int worker) { sum += static_cast<int>(i), workers = std::max(workers, worker); });
    ::_exit(sum == 28 && workers == 0 ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  std::vector<int> worker_of(8, 0);
  parallel_for(8, 3, [&](Index i, int worker) { worker_of[static_cast<std::size_t>(i)] = worker + 1; });
  for (const int w : worker_of) EXPECT_GT(w, 0);  // the parent goes on with its threads
}

}  // namespace
}  // namespace pathline

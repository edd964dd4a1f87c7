// What a Density costs inside somebody's threads: counts malloc, which Eigen and operator new both end in.
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "pathline/density.hpp"
#include "sanitizer.hpp"

#ifdef PATHLINE_REPLACES_MALLOC

#include "counted_malloc.hpp"
#include "paths.hpp"

namespace pathline {
namespace {

const std::string kModel = source_dir() + "/models/moons.h5";

TEST(DensityMemory, TheCounterCounts) {
  const auto before = t_counted;
  const Matrix<double> m(100, 10);
  EXPECT_EQ(t_counted.calls, before.calls + 1);
  EXPECT_GE(t_counted.bytes, before.bytes + 8000);
}

TEST(DensityMemory, EightThreadsOnOneDensityGiveTheSerialBitsAndNeedLittleSlow) {
  const Density density(kModel);
  const Matrix<double> x = density.sample(500, 1);
  const RowVector<double> serial = density.log_prob(x);
  const Matrix<double> slope = density.score(x);
  std::vector<long> most(8, -1);
  std::vector<int> same(8, 0);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < most.size(); ++i)
    threads.emplace_back([&, i] {
      t_counted = {};
      same[i] = density.log_prob(x) == serial && density.score(x) == slope && density.sample(500, 1) == x;
      for (Index b = 0; b < 50; ++b) (void)density.log_prob(x.col(b));
      most[i] = t_counted.most;
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(same, std::vector<int>(8, 1));
  for (const long bytes : most) {
    EXPECT_GT(bytes, 1000);
    EXPECT_LT(bytes, 5'000'000);
  }
}

// What a call allocates is given back, and does not grow with its steps: nothing is allocated inside a solve. After the
// first call, a call allocates its log-density, its latent points, and six small arrays of the tile.
TEST(DensityMemory, ACallGivesBackWhatItTookAndASolveTakesNothing) {
  std::vector<long> calls;
  for (const double tolerance : {1e-3, 1e-6}) {
    const Density density(kModel, {.solver = SolverOptions{.rtol = tolerance, .atol = tolerance}});
    const Matrix<double> x = density.sample(20, 1);
    (void)density.log_prob(x.col(0));
    const auto before = t_counted;
    for (Index b = 0; b < x.cols(); ++b) (void)density.log_prob(x.col(b));
    EXPECT_EQ(t_counted.bytes, before.bytes);
    calls.push_back(t_counted.calls - before.calls);
  }
  EXPECT_GT(calls[0], 0);
  EXPECT_LE(calls[0], 8 * 20);
  EXPECT_EQ(calls[0], calls[1]);
}

}  // namespace
}  // namespace pathline

#endif

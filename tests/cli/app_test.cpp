#include "pathline/cli/app.hpp"

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "pathline/checkpoint/ffjord.hpp"
#include "pathline/io/hdf5.hpp"
#include "scratch.hpp"

namespace pathline {
namespace {

int run(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "pathline");
  std::vector<char*> argv;
  for (auto& a : arguments) argv.push_back(a.data());
  return run_app(static_cast<int>(argv.size()), argv.data());
}

class App : public Scratch {};

TEST_F(App, TrainSampleAndDensityAgree) {
  ASSERT_EQ(run({"train", "--data", "8gaussians", "-o", file("m.h5"), "--iterations", "20", "--quiet"}), 0);
  ASSERT_EQ(run({"sample", file("m.h5"), "-n", "200", "-o", file("s.h5"), "--seed", "4"}), 0);
  const auto drawn = Hdf5File::open(file("s.h5"));
  const auto x = drawn.read_matrix<double>("samples");
  ASSERT_EQ(x.cols(), 200);
  const auto written = drawn.dataset("log_density").values<double>();
  const auto flow = read_ffjord<float>(file("m.h5"));
  const auto again = flow.log_prob(x, Matrix<double>(0, 0)).log_prob;
  for (Index i = 0; i < 200; ++i) EXPECT_NEAR(written[static_cast<std::size_t>(i)], again[i], 1e-3);  // float, 1e-5
  ::testing::internal::CaptureStdout();
  EXPECT_EQ(run({"density", file("m.h5"), file("s.h5") + ":samples"}), 0);
  const auto printed = ::testing::internal::GetCapturedStdout();
  EXPECT_EQ(std::count(printed.begin(), printed.end(), '\n'), 200);
}

TEST_F(App, AnyNumberOfThreadsTrainsTheSameModelBitwise) {
  ASSERT_EQ(run({"train", "--data", "moons", "-o", file("a.h5"), "--iterations", "1", "--quiet"}), 0);
  ASSERT_EQ(run({"train", "--data", "moons", "-o", file("b.h5"), "--iterations", "200", "--quiet"}), 0);
  ASSERT_EQ(run({"train", "--data", "moons", "-o", file("c.h5"), "--iterations", "200", "--quiet", "--threads", "1"}), 0);
  const auto a = read_ffjord<float>(file("a.h5")), b = read_ffjord<float>(file("b.h5")),
             c = read_ffjord<float>(file("c.h5"));
  EXPECT_EQ(b.blocks[0].field->theta(), c.blocks[0].field->theta());  // bitwise, on any number of threads
  EXPECT_NE(a.blocks[0].field->theta(), b.blocks[0].field->theta());
}

TEST_F(App, BadInputExitsWithTwoAndWritesNothing) {
  EXPECT_EQ(run({"train", "--data", "moos", "-o", file("x.h5")}), 2);
  EXPECT_EQ(run({"train", "--data", "moons", "--rtol=-1", "-o", file("x.h5")}), 2);
  EXPECT_EQ(run({"train", "--data", "moons", "--iterations", "0", "-o", file("x.h5")}), 2);
  EXPECT_EQ(run({"sample", file("none.h5"), "-o", file("x.h5")}), 2);
  EXPECT_EQ(run({"density", file("none.h5"), "x"}), 2);
  EXPECT_EQ(run({}), 2);
  EXPECT_FALSE(std::filesystem::exists(file("x.h5")));
}

}  // namespace
}  // namespace pathline

#include "pathline/cli/app.hpp"

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "pathline/checkpoint/ffjord.hpp"
#include "pathline/io/hdf5.hpp"

namespace pathline {
namespace {

namespace fs = std::filesystem;

int run(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "pathline");
  std::vector<char*> argv;
  for (auto& a : arguments) argv.push_back(a.data());
  return run_app(static_cast<int>(argv.size()), argv.data());
}

class App : public ::testing::Test {
 protected:
  void SetUp() override {
    dir_ = fs::path(::testing::TempDir()) /
           ("pathline app " + std::string(::testing::UnitTest::GetInstance()->current_test_info()->name()));
    fs::remove_all(dir_);
    fs::create_directories(dir_);
  }
  void TearDown() override { fs::remove_all(dir_); }
  std::string path(const std::string& name) const { return (dir_ / name).string(); }
  fs::path dir_;
};

TEST_F(App, TrainSampleAndDensityAgree) {
  ASSERT_EQ(run({"train", "--data", "8gaussians", "-o", path("m.h5"), "--iterations", "20", "--quiet"}), 0);
  ASSERT_EQ(run({"sample", path("m.h5"), "-n", "200", "-o", path("s.h5"), "--seed", "4"}), 0);
  const auto file = Hdf5File::open(path("s.h5"));
  const auto x = file.read_matrix<double>("samples");
  ASSERT_EQ(x.cols(), 200);
  const auto written = file.dataset("log_density").values<double>();
  const auto flow = read_ffjord<float>(path("m.h5"));
  const auto again = flow.log_prob(x, Matrix<double>(0, 0)).log_prob;
  for (Index i = 0; i < 200; ++i) EXPECT_NEAR(written[static_cast<std::size_t>(i)], again[i], 1e-3);  // float, 1e-5
  ::testing::internal::CaptureStdout();
  EXPECT_EQ(run({"density", path("m.h5"), path("s.h5") + ":samples"}), 0);
  const auto printed = ::testing::internal::GetCapturedStdout();
  EXPECT_EQ(std::count(printed.begin(), printed.end(), '\n'), 200);
}

TEST_F(App, AnyNumberOfThreadsTrainsTheSameModelBitwise) {
  ASSERT_EQ(run({"train", "--data", "moons", "-o", path("a.h5"), "--iterations", "1", "--quiet"}), 0);
  ASSERT_EQ(run({"train", "--data", "moons", "-o", path("b.h5"), "--iterations", "200", "--quiet"}), 0);
  ASSERT_EQ(run({"train", "--data", "moons", "-o", path("c.h5"), "--iterations", "200", "--quiet", "--threads", "1"}), 0);
  const auto a = read_ffjord<float>(path("a.h5")), b = read_ffjord<float>(path("b.h5")),
             c = read_ffjord<float>(path("c.h5"));
  EXPECT_EQ(b.cnf.field->theta(), c.cnf.field->theta());  // bitwise, on any number of threads
  EXPECT_NE(a.cnf.field->theta(), b.cnf.field->theta());
}

TEST_F(App, BadInputExitsWithTwoAndWritesNothing) {
  EXPECT_EQ(run({"train", "--data", "moos", "-o", path("x.h5")}), 2);
  EXPECT_EQ(run({"train", "--data", "moons", "--rtol=-1", "-o", path("x.h5")}), 2);
  EXPECT_EQ(run({"train", "--data", "moons", "--iterations", "0", "-o", path("x.h5")}), 2);
  EXPECT_EQ(run({"sample", path("none.h5"), "-o", path("x.h5")}), 2);
  EXPECT_EQ(run({"density", path("none.h5"), "x"}), 2);
  EXPECT_EQ(run({}), 2);
  EXPECT_FALSE(fs::exists(path("x.h5")));
}

}  // namespace
}  // namespace pathline

// What a user gives for an option, and the program cannot use, is refused at once by the name of the option.
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "paths.hpp"
#include "program.hpp"

namespace pathline {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class OptionValue : public Scratch {
 protected:
  // The arguments that make a command work, whose other options are tried.
  std::vector<std::string> fit() const {
    return {"fit", source_dir() + "/datasets/cubic.csv", "--target", "y", "--iterations", "1", "--quiet"};
  }
  std::vector<std::string> dynamics() const {
    return {"dynamics", "fit", source_dir() + "/datasets/spiral.csv", "--iterations", "1", "--quiet"};
  }
  std::vector<std::string> train() const {
    return {"train", "--data", "moons", "-o", file("run"), "--force", "--iterations", "1", "--quiet"};
  }
  std::vector<std::string> sample(const std::string& output) const {
    return {"sample", source_dir() + "/models/moons_spline.h5", "-o", file(output)};
  }
  static void expect_refused(const std::vector<std::string>& command, const std::string& option,
                             const std::string& value, const std::string& subject) {
    const auto got = run(command, {option, value});
    EXPECT_EQ(got.code, 2) << option << " " << value;
    EXPECT_THAT(got.err, StartsWith("pathline: " + subject)) << option << " " << value;
  }
};

// The errors of these commands named the fields of the library's structs.
TEST_F(OptionValue, OutOfItsRangeIsNamedByTheOption) {
  for (const std::string option : {"--hidden", "--augmented", "--blocks", "--batch", "--seeds", "--learning-rate",
                                   "--weight-decay", "--clip", "--rtol", "--atol", "--steps", "--threads"})
    expect_refused(fit(), option, "-1", option + " = -1: ");
  for (const std::string option : {"--optimizer", "--schedule", "--activation", "--readout", "--weights", "--model"})
    expect_refused(fit(), option, "none", option + " 'none': must be one of ");
  for (const std::string option : {"--hidden", "--window", "--batch", "--learning-rate", "--clip", "--rtol", "--steps"})
    expect_refused(dynamics(), option, "-1", option + " = -1: ");
  expect_refused(dynamics(), "--loss-weights", "-1,1", "--loss-weights: must be >= 0");
  expect_refused(dynamics(), "--field", "none", "--field 'none': ");
  const std::vector<std::string> simulate = {"dynamics", "simulate", "pendulum", "-o", file("s.csv")};
  expect_refused(simulate, "--count", "-1", "-n = -1: ");
  for (const std::string option : {"--points", "--end", "--noise"})
    expect_refused(simulate, option, "-1", option + " = -1: ");
  expect_refused({"info", source_dir() + "/models/moons.h5"}, "--threads", "-1", "--threads = -1: ");
}

// What has no effect was accepted without a word, and a missing table of points was found after the fit.
TEST_F(OptionValue, WithoutEffectIsSaid) {
  const std::string cubic = source_dir() + "/datasets/cubic.csv";
  const auto says = [&](const std::vector<std::string>& more) {
    return run({"fit", cubic, "--target", "y", "--iterations", "1"}, more).err;
  };
  EXPECT_THAT(says({"--blocks", "4"}), HasSubstr("note: --blocks has no effect: the model is a Neural ODE"));
  EXPECT_THAT(says({"--model", "resnet", "--rtol", "1e-3"}),
              HasSubstr("note: --rtol has no effect: a residual network"));
  EXPECT_THAT(says({"--points", cubic}), HasSubstr("note: --points has no effect"));
  EXPECT_THAT(says({"--model", "both", "--blocks", "2", "--rtol", "1e-3"}), Not(HasSubstr("no effect")));
  const auto late = run({"fit", cubic, "--target", "y", "--points", file("none.csv"), "--predictions", file("p.csv")});
  EXPECT_EQ(late.code, 2);
  EXPECT_EQ(late.out, "");
  EXPECT_THAT(run({"fit", cubic, "--target", "y", "--predictions", cubic}).err,
              StartsWith("pathline: --predictions " + cubic + " is the data"));
}

// The system ended the process for want of memory, or the disk became full after hours.
TEST_F(OptionValue, TooLargeForTheMachineIsRefusedBeforeTheWork) {
  const std::string many = "1000000000000000";
  expect_refused(train(), "--batch", many, "--batch = ");
  for (const std::string key : {"model.hidden", "model.blocks", "data.validation_size", "data.test_size"})
    expect_refused(train(), "--set", key + "=" + many, key + " = ");
  expect_refused(train(), "--set", "model.base_components=" + many, "model.base_components = ");
  expect_refused(
      {"train", "--data", "moons", "-o", file("run"), "--force", "--iterations", "1", "--trace", "hutchinson"},
      "--probes", many, "--probes = ");
  for (const std::string option : {"--batch", "--hidden", "--augmented"})
    expect_refused(fit(), option, many, option + " = ");
  expect_refused(dynamics(), "--hidden", many, "--hidden = ");
  auto windows = dynamics();
  windows.insert(windows.end(), {"--window", "10"});
  expect_refused(windows, "--batch", many, "--batch = ");
  for (const std::string format : {"s.csv", "s.npy", "s.h5"}) expect_refused(sample(format), "-n", many, "-n = ");
  auto paths = sample("s.h5");
  paths[1] = source_dir() + "/models/moons.h5";
  expect_refused(paths, "--trajectory", many, "--trajectory = ");
  expect_refused({"data", "sample", "moons", "-o", file("m.npy")}, "-n", many, "-n = ");
  for (const std::string option : {"-n", "--points"}) {
    expect_refused({"dynamics", "simulate", "pendulum", "-o", file("s.csv")}, option, many, option + " = ");
    expect_refused({"dynamics", "energy"}, option, many, option + " = ");
    expect_refused({"dynamics", "motions"}, option, many, option + " = ");
  }
  expect_refused({"plot", source_dir() + "/models/moons_spline.h5", "-o", file("p.png")}, "--samples", many,
                 "--samples = ");
  expect_refused({"distill", source_dir() + "/models/moons.h5", "-o", file("d.h5"), "--iterations", "1"}, "--pairs",
                 many, "--pairs = ");
}

TEST_F(OptionValue, AFileSystemThatDoesNotKnowItsSizeIsNotFull) {
  EXPECT_THAT(run({"data", "sample", "moons", "-n", "5", "-o", "/proc/m.csv"}).err, HasSubstr("cannot write"));
}

// The product with the number of rows overflowed, and no draw was written.
TEST_F(OptionValue, TheDrawsOfAllConditionsAreCountedWithoutOverflow) {
  const auto rows = put("c.csv", "x1\n0.1\n0.2\n0.3\n");
  expect_refused({"sample", source_dir() + "/models/posterior.h5", "--conditions", rows, "-o", file("d.npy")},
                 "--per-row", "9000000000000000000", "--per-row = 9000000000000000000: ");
}

// Only `density` with fixed steps was warned of.
TEST_F(OptionValue, ASolverThatIsTooCoarseIsWarnedOf) {
  const std::string moons = source_dir() + "/models/moons.h5", few = "--steps 1 is too few: the mean log-density error";
  EXPECT_THAT(run({"sample", moons, "-n", "10", "-o", file("s.csv"), "--steps", "1"}).err, HasSubstr(few));
  EXPECT_THAT(run({"plot", moons, "-o", file("p.svg"), "--samples", "50", "--cells", "4", "--steps", "1"}).err,
              HasSubstr(few));
  const auto points = put("p.csv", "x1,x2\n0.1,0.2\n1,0.5\n");
  const std::string large = "--rtol 1 is too large: the mean log-density error";
  EXPECT_THAT(run({"density", moons, points, "--rtol", "1", "--atol", "1"}).err, HasSubstr(large));
  EXPECT_THAT(run({"sample", moons, "-n", "10", "-o", file("s.csv"), "--rtol", "1", "--atol", "1"}).err,
              HasSubstr(large));
  EXPECT_EQ(run({"sample", moons, "-n", "10", "-o", file("s.csv"), "--steps", "40", "--quiet"}).err, "");
}

}  // namespace
}  // namespace pathline

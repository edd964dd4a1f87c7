// pathline fit, predict and dynamics.
#include <fstream>
#include <iterator>

#include <gmock/gmock.h>

#include "pathline/dynamics/motion.hpp"
#include "pathline/io/table.hpp"
#include "paths.hpp"
#include "program.hpp"

namespace pathline {
namespace {

using testing::HasSubstr;

const std::string kCubic = source_dir() + "/datasets/cubic.csv";

class Regression : public Scratch {};

TEST_F(Regression, PredictGivesThePredictionsOfTheFit) {
  for (const std::string model : {"neural_ode", "resnet"}) {
    const auto fitted = run({"fit", kCubic, "--target", "y", "--model", model, "--iterations", "20", "--quiet", "-o",
                             file("m.h5"), "--predictions", file("a.csv"), "--plot", file("fit.svg")});
    ASSERT_EQ(fitted.code, 0) << fitted.err;
    EXPECT_THAT(fitted.out, HasSubstr(model));
    ASSERT_EQ(run({"predict", file("m.h5"), kCubic, "-o", file("b.csv")}).code, 0);
    EXPECT_EQ(get("a.csv"), get("b.csv"));
    EXPECT_THAT(read_table(file("a.csv")).columns, testing::ElementsAre("x", "y"));
    ASSERT_EQ(run({"predict", file("m.h5"), kCubic, "-o", file("b.npy")}).code, 0);
    ASSERT_EQ(run({"predict", file("m.h5"), kCubic, "-o", file("b.h5")}).code, 0);
    EXPECT_EQ(read_table(file("b.npy")).values, read_table(file("b.h5:values")).values);
    EXPECT_THAT(get("fit.svg"), HasSubstr("<svg"));
  }
}

// Standardized columns, several inputs and targets: what is learned is in the data's units.
TEST_F(Regression, LearnsALinearMapOfSeveralColumnsInTheDatasUnits) {
  std::string rows = "a,b,u,v\n";
  for (int i = 0; i < 60; ++i) {
    const double a = 100 + i % 8, b = 0.001 * (i % 7);
    rows += std::to_string(a) + "," + std::to_string(b) + "," + std::to_string(3 * a + 500 * b) + "," +
            std::to_string(-a) + "\n";
  }
  const auto table = put("t.csv", rows);
  const auto fitted = run({"fit", table, "--target", "u,v", "--model", "resnet", "--iterations", "1000", "--quiet",
                           "-o", file("m.h5"), "--predictions", file("p.csv")});
  ASSERT_EQ(fitted.code, 0) << fitted.err;
  const auto truth = read_table(table, {"u", "v"}).values, got = read_table(file("p.csv"), {"u", "v"}).values;
  EXPECT_LT((truth - got).cwiseAbs().maxCoeff(), 1);  // of values around 300 whose spread is 7; 0.2 is usual
}

TEST_F(Regression, ARecipeGivesOptionsAndTheCommandLineOverridesThem) {
  const auto recipe = put("r.toml", "source = \"" + kCubic +
                                        "\"\ntarget = [\"y\"]\nmodel = \"both\"\nhidden = [5, 4]\n"
                                        "iterations = 3\nraw = true\nlearning_rate = 1e-3\nquiet = true\n");
  const auto both = run({"fit", recipe});
  ASSERT_EQ(both.code, 0) << both.err;
  EXPECT_THAT(both.out, HasSubstr("resnet"));
  EXPECT_THAT(both.out, HasSubstr("neural_ode"));
  const auto one = run({"fit", recipe, "--model", "resnet"});
  EXPECT_THAT(one.out, testing::Not(HasSubstr("neural_ode")));
  const auto unknown = put("u.toml", "source = \"x.csv\"\nlearning-rat = 1\n");
  const auto refused = run({"fit", unknown});
  EXPECT_EQ(refused.code, 2);
  EXPECT_THAT(refused.err, HasSubstr("u.toml:2: unknown key 'learning-rat'; did you mean 'learning_rate'?"));
}

TEST_F(Regression, FaultsAreNamed) {
  auto says = [&](std::vector<std::string> arguments) {
    const auto r = run(std::move(arguments));
    EXPECT_EQ(r.code, 2) << r.err;
    return r.err;
  };
  EXPECT_THAT(says({"fit", kCubic}), HasSubstr("expected --target"));
  EXPECT_THAT(says({"fit", kCubic, "--target", "z"}), HasSubstr("z"));
  EXPECT_THAT(says({"fit", kCubic, "--target", "x,y"}), HasSubstr("every column is a target"));
  EXPECT_THAT(says({"fit", kCubic, "--target", "y", "--model", "gp"}), HasSubstr("neural_ode, resnet"));
  EXPECT_THAT(says({"fit", kCubic, "--target", "y", "--model", "both", "-o", file("m.h5")}), HasSubstr("--model both"));
  EXPECT_THAT(says({"fit", kCubic, "--target", "y", "--hidden", "0"}), HasSubstr("width must be >= 1"));
  EXPECT_THAT(says({"predict", kCubic, kCubic, "-o", file("p.csv")}), HasSubstr("cubic.csv"));
  EXPECT_THAT(says({"dynamics", "simulate", "pendulm", "-o", file("p.csv")}), HasSubstr("did you mean 'pendulum'"));
}

TEST_F(Regression, DynamicsAreSimulatedLearnedAndExtrapolated) {
  ASSERT_EQ(run({"dynamics", "simulate", "spring", "-n", "6", "--points", "5", "-o", file("spring.csv")}).code, 0);
  ASSERT_EQ(
      run({"dynamics", "simulate", "spring", "-n", "6", "--points", "10", "--end", "2", "-o", file("longer.h5")}).code,
      0);
  const auto fitted =
      run({"dynamics", "fit", file("spring.csv"), "--field", "newtonian", "--hidden", "8", "--iterations", "10",
           "--quiet", "--steps", "1", "--stepper", "rk4", "-o", file("m.h5"), "--plot", file("m.svg")});
  ASSERT_EQ(fitted.code, 0) << fitted.err;
  EXPECT_THAT(fitted.out, HasSubstr("g_over_L"));
  ASSERT_EQ(
      run({"dynamics", "predict", file("m.h5"), file("spring.csv"), "--end", "2", "--points", "4", "-o", file("p.csv")})
          .code,
      0);
  const auto p = read_table(file("p.csv"));
  EXPECT_EQ(p.values.cols(), 6 * 5);
  EXPECT_EQ(p.columns, (std::vector<std::string>{"id", "t", "x", "y", "vx", "vy", "theta", "omega", "s", "l", "a"}));
  // Two components: a plane, and a field of another kind.
  ASSERT_EQ(run({"dynamics", "simulate", "spiral", "--points", "20", "-o", file("spiral.csv")}).code, 0);
  for (const std::string field : {"network", "second_order", "hamiltonian"}) {
    const auto of = run({"dynamics", "fit", file("spiral.csv"), "--field", field, "--window", "4", "--iterations", "3",
                         "--quiet", "-o", file("s.h5"), "--plot", file("s.png")});
    ASSERT_EQ(of.code, 0) << of.err;
    ASSERT_EQ(run({"dynamics", "predict", file("s.h5"), file("spiral.csv"), "-o", file("s.csv")}).code, 0);
  }
}

TEST_F(Regression, TheReportOfAMotionNamesItsWorstParameter) {
  const std::vector<std::string> rotation = {"dynamics", "motions", "rotation", "-n",           "3",
                                             "--points", "3",       "--quiet",  "--iterations", "2"};
  const auto r = run(rotation);
  ASSERT_EQ(r.code, 0) << r.err;
  EXPECT_THAT(r.out, HasSubstr("| rotation | "));
  EXPECT_THAT(r.out, HasSubstr("g_over_L: 0, found "));
  EXPECT_THAT(r.out, testing::Not(HasSubstr("e-")));  // nothing is recovered in two iterations
  const auto first = run(rotation, {"--physics-first"});
  ASSERT_EQ(first.code, 0) << first.err;
  EXPECT_THAT(first.out, testing::ContainsRegex("found -?[0-9.]+e-[0-9]+ \\([0-9.]+e-[0-9]+ %\\)"));
}

TEST_F(Regression, TheEnergyReportComparesThreeFields) {
  const auto r = run({"dynamics", "energy", "-n", "3", "--points", "5", "--iterations", "2", "--quiet"});
  ASSERT_EQ(r.code, 0) << r.err;
  for (const std::string field : {"| network | ", "| second_order | ", "| hamiltonian | "})
    EXPECT_THAT(r.out, HasSubstr(field));
}

TEST_F(Regression, OnlyPhysicalParametersArePrinted) {
  ASSERT_EQ(run({"dynamics", "simulate", "spiral", "--points", "9", "-o", file("s.csv")}).code, 0);
  const auto r = run({"dynamics", "fit", file("s.csv"), "--activation", "swish", "--iterations", "1", "--quiet"});
  ASSERT_EQ(r.code, 0) << r.err;
  EXPECT_THAT(r.out, testing::Not(HasSubstr("beta")));
  const auto refused = run({"dynamics", "fit", file("s.csv"), "--physics-first", "--iterations", "1", "--quiet"});
  EXPECT_EQ(refused.code, 2);
  EXPECT_THAT(refused.err, HasSubstr("only a newtonian field has physical parameters"));
}

TEST_F(Regression, TheSpiralsRecipeLearnsTheSpiralSlow) {
  const std::string root = source_dir();
  std::ifstream in(root + "/examples/recipes/spiral.toml");
  std::string recipe(std::istreambuf_iterator<char>(in), {});
  const auto at_source = recipe.find("datasets/spiral.csv");
  ASSERT_NE(at_source, std::string::npos);
  recipe.insert(at_source, root + "/");
  const auto r = run({"dynamics", "fit", put("spiral.toml", recipe), "--quiet"});
  ASSERT_EQ(r.code, 0) << r.err;
  const auto at = r.out.find("RMS error on the data ");
  ASSERT_NE(at, std::string::npos) << r.out;
  EXPECT_LT(std::stod(r.out.substr(at + 22)), 0.1);
}

}  // namespace
}  // namespace pathline

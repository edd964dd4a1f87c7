// `pathline plot`: which picture each model and option gives, and what is refused.
#include <algorithm>
#include <cmath>
#include <string>

#include <gmock/gmock.h>

#include "pathline/checkpoint/model.hpp"
#include "paths.hpp"
#include "program.hpp"

namespace pathline {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::string kPlotted = source_dir() + "/models/";

class Plot : public Scratch {
 protected:
  Outcome plot(const std::string& model, const std::vector<std::string>& more,
               const std::string& output = "p.svg") const {
    std::vector<std::string> words{"plot", model, "-o", file(output), "--samples", "300", "--quiet"};
    words.insert(words.end(), more.begin(), more.end());
    return run(words);
  }
  // Width and height of a PNG.
  std::string size(const std::string& name) const {
    return python("import struct\nprint(*struct.unpack('>II', open('" + name + "', 'rb').read()[16:24]))");
  }
  std::string table(const std::string& name, int rows) const {
    std::string text = "mass,a long name with <tags> & more than fits beside an axis,tiny,date,count\n";
    // Four independent sequences (Weyl), because collinear columns are refused.
    const auto part = [](double irrational, int i) { return std::fmod(irrational * (i + 1), 1.0); };
    for (int i = 0; i < rows; ++i) {
      const double u = part(0.618034, i), v = part(0.754878, i), w = part(0.569840, i), z = part(0.819173, i);
      text += std::to_string(u) + "," + std::to_string(3 * u + v) + "," + std::to_string(1 + w) + "e-12," +
              std::to_string(1700000000 + 86400 * z) + "," + std::to_string(i % 4) + "\n";
    }
    return put(name, text);
  }
  std::string trained(const std::string& directory, const std::vector<std::string>& more) const {
    std::vector<std::string> words{"train",   "-o",      file(directory), "--iterations",
                                   "4",       "--quiet", "--set",         "model.hidden=4",
                                   "--batch", "64",      "--set",         "train.evaluate_every=2"};
    words.insert(words.end(), more.begin(), more.end());
    const auto got = run(words);
    EXPECT_EQ(got.code, 0) << got.err;
    return file(directory);
  }
};

TEST_F(Plot, ManyColumnsGiveACornerPlotOfTheWidthThatIsAskedForSlow) {
  const auto model = trained("run", {table("t.csv", 300)});
  ASSERT_EQ(plot(model, {}, "a.png").code, 0);
  const std::string square = size("a.png");
  EXPECT_THAT(square, testing::StartsWith("1600 "));
  ASSERT_EQ(plot(model, {"--size", "400", "--columns", "mass,date"}, "b.png").code, 0);
  EXPECT_THAT(size("b.png"), testing::StartsWith("800 "));
  ASSERT_EQ(plot(model, {"--columns", "tiny"}).code, 0);
  EXPECT_THAT(plot(model, {"--columns", "tini"}).err, HasSubstr("--columns: no column 'tini'; did you mean 'tiny'?"));
  EXPECT_THAT(plot(model, {"--columns", "mass,mass"}).err, HasSubstr("--columns: column 'mass' is given twice"));
  EXPECT_THAT(plot(model, {"--truth", "1,2"}).err, HasSubstr("--truth has 2 values; expected one for each of mass"));
  EXPECT_EQ(plot(model, {"--truth", "mass=0.5,tiny=1.5e-12"}).code, 0);
  EXPECT_THAT(plot(model, {"--log", "count"}).err, HasSubstr("--log count: "));
  EXPECT_THAT(plot(model, {"--paths"}).err, HasSubstr("--paths: applies to a model of two columns; this one has 5"));
  EXPECT_THAT(plot(model, {"--time", "0"}).err, HasSubstr("--time: applies to a model of one or two columns"));
  EXPECT_THAT(plot(model, {"--size", "20"}).err, HasSubstr("--size = 20: must be in [200, 10000]"));
}

TEST_F(Plot, ModelsBesideEachOtherInOneTraining) {
  const auto a = trained("a", {"moons", "--set", "data.validation_size=50", "--set", "data.test_size=50"});
  const auto b =
      trained("b", {"moons", "--seed", "1", "--set", "data.validation_size=50", "--set", "data.test_size=50"});
  const auto both = run({"plot", a, b, "--training", "-o", file("t.svg")});
  EXPECT_EQ(both.code, 0) << both.err;
  EXPECT_THAT(run({"plot", a, b, "-o", file("t.svg")}).err, HasSubstr("expected one MODEL, found 2; only --training"));
  EXPECT_THAT(run({"plot", a, "--training", "--log", "x1", "-o", file("t.svg")}).err,
              HasSubstr("--log: has no effect"));
}

TEST_F(Plot, TwoColumnsHaveTheirDensityAtTimesAndItsErrorSlow) {
  const std::string moons = kPlotted + "moons.h5";
  EXPECT_EQ(plot(moons, {"--error", "--paths", "--cells", "12", "--truth", "0.5,1", "--title", "a title"}).code, 0);
  EXPECT_EQ(plot(moons, {"--time", "0,0.5", "--cells", "12"}).code, 0);
  EXPECT_THAT(plot(moons, {"--time", "0,99", "--cells", "12"}).err,
              HasSubstr("--time: 99 is outside of the time of the flow"));
  EXPECT_THAT(plot(moons, {"--time", "0,x", "--cells", "12"}).err, HasSubstr("--time: 'x' is not a finite number"));
  EXPECT_THAT(plot(moons, {"--time", "0", "--error"}).err, HasSubstr("--error: cannot be used with --time"));
  EXPECT_THAT(plot(moons, {"--log", "x1", "--cells", "12"}).err,
              HasSubstr("--log x1: moons has values that are not above 0"));
  const auto data = table("t.csv", 40);
  EXPECT_THAT(plot(trained("two", {data, "--columns", "mass,tiny"}), {"--error", "--cells", "12"}).err,
              HasSubstr("--error: the true density is known only of the built-in toys"));
}

TEST_F(Plot, AConditionTakesTheDataThatHaveNearlyIt) {
  std::string text = "x,c\n";
  for (int i = 0; i < 400; ++i)
    text += std::to_string(10 * (i % 20) + std::fmod(0.618034 * i, 1.0)) + "," + std::to_string(i % 20) + "\n";
  const auto model = trained("run", {put("t.csv", text), "--condition", "c"});
  const auto got = plot(model, {"--condition", "c=7"}, "c.pdf");
  EXPECT_EQ(got.code, 0) << got.err;
}

// Five panels once had a fixed size each: 1,843 px beside each other.
TEST_F(Plot, TheFieldAtFiveTimesIsAsWideAsAsked) {
  ASSERT_EQ(plot(kPlotted + "moons.h5", {"--field", "--cells", "10"}, "f.png").code, 2);  // --samples has no effect
  const auto got = run({"plot", kPlotted + "moons.h5", "-o", file("f.png"), "--quiet", "--field", "--cells", "10"});
  ASSERT_EQ(got.code, 0) << got.err;
  EXPECT_THAT(size("f.png"), testing::StartsWith("1600 "));
}

class PlotOnATerminal : public ScriptedProgram {};

// What takes over two seconds says how long it takes, time left first, and leaves nothing of it on the terminal.
TEST_F(PlotOnATerminal, SaysTheTimeThatIsLeftSlow) {
  ASSERT_EQ(bash("export P M='" + kPlotted + "moons.h5'\nscript -qec 'stty cols 60; exec \"$P\" plot \"$M\" -o f.png " +
                 "--field --residual --cells 100' /dev/null > w.txt"),
            0)
      << get("err.txt");
  const std::string text = get("w.txt");
  EXPECT_THAT(text, testing::ContainsRegex("[0-9]+ s left  [0-9]+ of 50000 densities"));
  EXPECT_THAT(text, testing::ContainsRegex("[0-9]+ s left  [0-9]+ of 8000 residuals"));
  EXPECT_THAT(text, testing::EndsWith("\r\033[K"));
}

}  // namespace
}  // namespace pathline

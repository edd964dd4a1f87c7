// Tables as they are, from the command line.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "pathline/checkpoint/model.hpp"
#include "pathline/core/random.hpp"
#include "pathline/io/hdf5.hpp"
#include "pathline/io/table.hpp"
#include "program.hpp"

namespace pathline {
namespace {

using testing::HasSubstr;
using testing::Not;

class Tables : public Scratch {
 protected:
  Outcome train(const std::string& source, const std::vector<std::string>& more = {}) const {
    auto arguments = more;
    for (const char* a : {"--iterations", "4", "--set", "model.hidden=8"}) arguments.push_back(a);
    return run({"train", file(source), "-o", file("run"), "--force"}, arguments);
  }
  // n rows of `columns` independent normal numbers.
  void put_normal(const std::string& name, const std::string& header, Index columns, Index n) const {
    Engine engine = make_stream(7, "test");
    Matrix<double> z(columns, n);
    fill_normal<double>(engine, z);
    std::string text = header;
    for (Index i = 0; i < n; ++i)
      for (Index k = 0; k < columns; ++k) text += std::to_string(z(k, i)) + (k + 1 < columns ? "," : "\n");
    put(name, text);
  }
  static Index lines(const std::string& text) { return std::count(text.begin(), text.end(), '\n'); }
};

TEST_F(Tables, APositionalTableIsDataAndWhatWasReadIsSaid) {
  put_normal("my.csv", "a,b\n", 2, 60);
  const auto got = train("my.csv");
  ASSERT_EQ(got.code, 0) << got.err;
  EXPECT_THAT(got.err,
              HasSubstr("note: " + file("my.csv") + ": 60 rows (48 train, 6 validation, 6 test) of 2 columns: a in ["));
  EXPECT_THAT(got.err, HasSubstr(" parameters\n"));
  EXPECT_EQ(train("my.csv", {"--quiet"}).err, "");
  const auto unknown = run({"train", file("my.recipe")});
  EXPECT_EQ(unknown.code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("expected a recipe (NAME.toml), a table"));
  EXPECT_THAT(run({"train", "mons"}).err, HasSubstr("the nearest is 'moons'"));
  EXPECT_THAT(run({"train", file("my.csv"), "--data", "moons"}).err, HasSubstr("expected one table"));
  EXPECT_THAT(train("my.csv", {"--header", "maybe"}).err,
              HasSubstr("--header = maybe: must be one of automatic, yes, no"));
}

// `--quiet` printed what the automatic choice had tried.
TEST_F(Tables, AQuietAutomaticChoicePrintsNoNotes) {
  put_normal("my.csv", "a,b\n", 2, 60);
  const auto got = run({"train", file("my.csv"), "-o", file("auto"), "--time", "1", "--threads", "1", "--quiet"});
  EXPECT_EQ(got.code, 0);
  EXPECT_EQ(got.err, "");
  EXPECT_THAT(run({"train", file("my.csv"), "-o", file("loud"), "--time", "1", "--threads", "1"}).err,
              HasSubstr("by ten-fold cross-validation"));
}

// The exit code was 0, and the message that no validation was run.
TEST_F(Tables, AValidationWithoutADensityIsAnError) {
  put_normal("my.csv", "a,b\n", 2, 60);
  put("far.csv", "a,b\n1e300,0\n0,1\n");
  const auto got = run({"train", file("my.csv"), "--validation", file("far.csv"), "-o", file("far"), "--time", "1",
                        "--threads", "1", "--quiet"});
  EXPECT_EQ(got.code, 2);
  EXPECT_THAT(got.err, HasSubstr("the density of the validation rows is not finite, and no model was written"));
}

// `density` took a header of numbers for a row, so that every row was shifted by one.
TEST_F(Tables, DensityReadsAHeaderOfNumbersAsTheTrainingDid) {
  put_normal("years.csv", "2019,2020\n", 2, 40);
  ASSERT_EQ(train("years.csv", {"--header", "yes"}).code, 0);
  EXPECT_EQ(read_card(file("run/model.h5")).columns, (std::vector<std::string>{"2019", "2020"}));
  EXPECT_EQ(lines(run({"density", file("run"), file("years.csv")}).out), 40);
  const auto as_row = train("years.csv");
  EXPECT_THAT(as_row.err, HasSubstr("line 1 is read as a row of numbers; if it is a header, use --header yes"));
  EXPECT_THAT(as_row.err, HasSubstr("41 rows ("));
  const auto density = run({"density", file("run"), file("years.csv")});
  EXPECT_EQ(lines(density.out), 41);
  EXPECT_THAT(density.err, HasSubstr("if it is a header, use --header yes"));
  EXPECT_EQ(lines(run({"density", file("run"), file("years.csv"), "--header", "yes"}).out), 40);
}

TEST_F(Tables, MissingRowsAreDroppedOnlyWhenAsked) {
  put_normal("gaps.csv", "a,b\n", 2, 40);
  put("gaps.csv", get("gaps.csv") + "1,NA\n,2\n");
  EXPECT_EQ(train("gaps.csv").code, 2);
  const auto got = train("gaps.csv", {"--drop-missing"});
  ASSERT_EQ(got.code, 0) << got.err;
  EXPECT_THAT(got.err, HasSubstr("2 rows with missing values are left out"));
  EXPECT_EQ(run({"train", "--resume", file("run"), "--iterations", "6", "--quiet"}).code, 0);  // reads alike
  EXPECT_EQ(run({"density", file("run"), file("gaps.csv")}).code, 2);
  const auto density = run({"density", file("run"), file("gaps.csv"), "--drop-missing"});
  EXPECT_EQ(lines(density.out), 40);
  EXPECT_THAT(density.err, HasSubstr("2 rows with missing values are left out"));
}

TEST_F(Tables, ConditionsByNameAndFromATable) {
  put_normal("joint.csv", "x,mass,charge\n", 3, 200);
  ASSERT_EQ(train("joint.csv", {"--condition", "mass,charge"}).code, 0);
  const auto card = read_card(file("run/model.h5"));
  ASSERT_EQ(card.condition_range.rows(), 2);
  ASSERT_EQ(card.condition_range.cols(), 2);
  EXPECT_LT(card.condition_range(0, 0), -1.5);
  EXPECT_GT(card.condition_range(0, 1), 1.5);
  const auto draw = [&](const std::string& output, const std::vector<std::string>& more) {
    return run({"sample", file("run"), "-o", file(output), "--quiet"}, more);
  };
  ASSERT_EQ(draw("a.csv", {"-n", "5", "--condition", "charge=0.5,mass=1"}).code, 0);
  ASSERT_EQ(draw("b.csv", {"-n", "5", "--condition", "1,0.5"}).code, 0);
  EXPECT_EQ(get("a.csv"), get("b.csv"));
  EXPECT_THAT(draw("c.csv", {"--condition", "mass=1"}).err,
              HasSubstr("'charge' is missing; the model needs mass, charge"));
  EXPECT_THAT(draw("c.csv", {"--condition", "mas=1"}).err, HasSubstr("--condition: no column 'mas'; did you mean 'mass'?"));
  EXPECT_THAT(draw("c.csv", {"--condition", "mass=1,mass=2"}).err, HasSubstr("--condition: 'mass' is given twice"));
  for (const char* endless : {"mass=inf,charge=1", "1,nan"})  // one reads as the other would
    EXPECT_THAT(draw("c.csv", {"--condition", endless}).err, HasSubstr("is not a finite number")) << endless;
  EXPECT_THAT(draw("c.csv", {"--condition", "1"}).err,
              HasSubstr("1 values; the condition of the model has 2 (mass, charge)"));

  put("conditions.csv", "charge,other,mass\n0.5,9,1\n-0.5,9,0\n");
  const auto table = draw("t.csv", {"--conditions", file("conditions.csv"), "--per-row", "3", "--log-density"});
  ASSERT_EQ(table.code, 0) << table.err;
  const auto drawn = read_table(file("t.csv"));
  EXPECT_EQ(drawn.columns, (std::vector<std::string>{"x", "mass", "charge", "log_density"}));
  ASSERT_EQ(drawn.values.cols(), 6);
  EXPECT_EQ(drawn.values.row(1), (RowVector<double>(6) << 1, 1, 1, 0, 0, 0).finished());
  // What `density` makes of the rows that were written, in the file's digits.
  EXPECT_THAT(run({"density", file("run"), file("t.csv"), "--summary"}).out, HasSubstr("KL(data || model)  "));
  ASSERT_EQ(draw("t.h5", {"--conditions", file("conditions.csv"), "--per-row", "3"}).code, 0);
  const auto h5 = Hdf5File::open(file("t.h5"));
  EXPECT_EQ(h5.read_matrix<double>("condition"), drawn.values.middleRows(1, 2));
  EXPECT_NEAR((h5.read_matrix<double>("samples") - drawn.values.topRows(1)).norm(), 0,
              1e-4);  // by the solver's tolerance
  ASSERT_EQ(draw("t.npy", {"--conditions", file("conditions.csv")}).code, 0);
  EXPECT_EQ(read_table(file("t.npy")).values.rows(), 3);
  put("partial.csv", "mass,b\n1,2\n");
  EXPECT_THAT(draw("u.csv", {"--conditions", file("partial.csv")}).err, HasSubstr("has no column 'charge'"));
  EXPECT_THAT(draw("u.csv", {"--conditions", file("conditions.csv"), "-n", "7"}).err, HasSubstr("--count: "));
  EXPECT_THAT(draw("u.csv", {"--per-row", "7"}).err, HasSubstr("--per-row: applies only to --conditions"));
}

// A condition of 300 where the training had -3 to 3 gave confident nonsense.
TEST_F(Tables, AConditionFarOutsideTheTrainingDrawsAWarning) {
  put_normal("joint.csv", "x,mass\n", 2, 200);
  ASSERT_EQ(train("joint.csv", {"--condition", "mass"}).code, 0);
  const auto draw = [&](const std::string& mass) {
    return run({"sample", file("run"), "-n", "5", "-o", file("s.csv"), "--quiet", "--condition", mass}).err;
  };
  EXPECT_THAT(draw("300"),
              HasSubstr("warning: the condition is far outside the training data (mass = 300; trained on ["));
  EXPECT_EQ(draw("1"), "");
  put("far.csv", "x,mass\n0,1\n0,-50\n0,60\n");
  EXPECT_THAT(run({"density", file("run"), file("far.csv")}).err, HasSubstr("2 of 3 conditions are far outside"));
}

// The weights of a chain were ignored: the density was the prior's, 3.2 nats off.
TEST_F(Tables, AWeightedChainGivesThePosteriorSlow) {
  Engine engine = make_stream(2, "test");
  std::string chain = "weight logl a b\n", fresh = "a,b,log_density\n";
  for (int i = 0; i < 12000; ++i) {
    const double a = uniform(engine, -6, 6), b = uniform(engine, -6, 6), logl = -(a * a + b * b) / 2;
    chain += std::to_string(1e3 * std::exp(logl)) + " " + std::to_string(logl) + " " + std::to_string(a) + " " +
             std::to_string(b) + "\n";
  }
  Matrix<double> z(2, 1000);
  fill_normal<double>(engine, z);
  double entropy = 0;
  for (Index i = 0; i < z.cols(); ++i) {
    const double log_p = -z.col(i).squaredNorm() / 2 - std::log(2 * M_PI);
    entropy -= log_p / 1000;
    fresh += std::to_string(z(0, i)) + "," + std::to_string(z(1, i)) + "," + std::to_string(log_p) + "\n";
  }
  put("chain.txt", chain), put("fresh.csv", fresh);
  const auto silent = run({"train", file("chain.txt"), "-o", file("run")});
  EXPECT_EQ(silent.code, 2);
  EXPECT_THAT(silent.err, HasSubstr("pass --weights weight"));
  const auto got = run({"train", file("chain.txt"), "--weights", "weight", "-o", file("run"), "--iterations", "60",
                        "--set", "model.hidden=16,16", "--set", "train.batch=256"});
  ASSERT_EQ(got.code, 0) << got.err;
  EXPECT_THAT(got.err, HasSubstr("effective sample size "));
  EXPECT_THAT(got.err, HasSubstr("left out logl"));
  const auto nll = [](const std::string& text, const std::string& before) {
    return std::stod(text.substr(text.find(before) + before.size()));
  };
  // An effective sample of 800 rows is 0.01 nats off at best, and 60 iterations of a small flow come near it. The
  // prior, of log 144 = 4.97 nats, is 2.1 off.
  EXPECT_NEAR(nll(run({"density", file("run"), file("fresh.csv"), "--summary"}).out, "mean NLL "), entropy, 0.1);
  EXPECT_NEAR(nll(got.out, "test NLL "), entropy, 0.3);  // 100 effective rows: 0.1 nats of standard error
}

TEST_F(Tables, ValidationAndTestOfTheirOwn) {
  put_normal("train.csv", "a,b\n", 2, 60), put_normal("validation.csv", "a,b\n", 2, 7),
      put_normal("test.csv", "a,b\n", 2, 9);
  const auto got = train("train.csv", {"--validation", file("validation.csv"), "--test", file("test.csv")});
  ASSERT_EQ(got.code, 0) << got.err;
  EXPECT_THAT(got.err, HasSubstr("76 rows (60 train, 7 validation, 9 test)"));
  EXPECT_THAT(got.out, HasSubstr("over 9 points"));
}

// The noise of one column of integers smeared all.
TEST_F(Tables, ADiscreteColumnIsDequantizedAlone) {
  std::string rows = "x,n\n";
  for (int i = 0; i < 100; ++i) rows += std::to_string(i * 37 % 101) + ".5," + std::to_string(i % 5) + "\n";
  put("counts.csv", rows);
  EXPECT_THAT(train("counts.csv").err, HasSubstr("pass --discrete n"));
  ASSERT_EQ(train("counts.csv", {"--discrete", "n"}).code, 0);
  put("r.toml", "[data]\nsource = \"" + file("counts.csv") + "\"\ndiscrete = [\"n\"]\n");
  ASSERT_EQ(run({"data", "split", file("r.toml"), "-o", file("parts.h5"), "--quiet"}).code, 0);
  const auto x = Hdf5File::open(file("parts.h5")).read_matrix<double>("train");
  for (Index i = 0; i < x.cols(); ++i) EXPECT_EQ(x(0, i) - std::floor(x(0, i)), 0.5);
  EXPECT_GT(x.row(1).maxCoeff(), 4.0);
  EXPECT_LT(x.row(1).maxCoeff(), 5.0);
  EXPECT_EQ(train("counts.csv", {"--discrete", "m"}).code, 2);
}

// The density at an integer was that at the edge between two cells.
TEST_F(Tables, ADiscreteColumnHasProbabilitiesThatAddUpToOne) {
  std::string rows = "n\n";
  for (int i = 0; i < 200; ++i) rows += std::to_string(i * i % 5) + "\n";  // 0, 1 and 4
  put("n.csv", rows);
  ASSERT_EQ(train("n.csv", {"--discrete", "n"}).code, 0);
  EXPECT_EQ(read_card(file("run/model.h5")).discrete, std::vector<std::string>{"n"});
  EXPECT_THAT(run({"info", file("run")}).out,
              HasSubstr("discrete     n: `density` gives the probability of the integer"));
  std::string integers = "n\n";
  for (int i = -60; i < 60; ++i) integers += std::to_string(i) + "\n";
  put("integers.csv", integers);
  ASSERT_EQ(run({"density", file("run"), file("integers.csv"), "-o", file("p.npy"), "--quiet"}).code, 0);
  EXPECT_NEAR(read_table(file("p.npy")).values.array().exp().sum(), 1, 1e-4);
  const auto on_grid = run({"density", file("run"), "--grid=-60.5:59.5:120", "--summary"});
  EXPECT_THAT(on_grid.err, HasSubstr("note: n: the log-densities contain the probabilities of its integers"));
  EXPECT_THAT(on_grid.out, testing::ContainsRegex("mass on the grid   (1.0000|0.9999)"));
  ASSERT_EQ(run({"sample", file("run"), "-n", "50", "-o", file("s.csv"), "--quiet", "--log-density"}).code, 0);
  const auto samples = read_table(file("s.csv")).values;
  EXPECT_EQ(samples.row(0), RowVector<double>(samples.row(0).array().floor()));
  EXPECT_THAT(run({"density", file("run"), file("s.csv"), "--summary", "--quiet"}).out,
              testing::ContainsRegex("KL\\(data \\|\\| model\\)  -?0\\.0000"));
}

TEST_F(Tables, AValueOutsideOfItsBoundsIsNamedWithLineAndColumn) {
  std::string rows = "# made by hand\nmass,efficiency\n";
  for (int i = 0; i < 60; ++i)
    rows += std::to_string(61 + i * 37 % 101) + ".5,0." + std::to_string(100 + i * 31) + "\n";
  put("m.csv", rows);
  const auto got = train("m.csv", {"--bounds", "mass=62:,efficiency=0:1"});
  EXPECT_EQ(got.code, 2);
  EXPECT_THAT(got.err, HasSubstr(file("m.csv") + ": line 3, column 1 (mass): 61.5 is outside of the bounds 62:inf"));
  ASSERT_EQ(train("m.csv", {"--bounds", "mass=60:,efficiency=0:1"}).code, 0);
  put("points.csv", "mass,efficiency\n80,0.5\n59,0.5\n80,1\n");
  EXPECT_THAT(run({"density", file("run"), file("points.csv")}).out,
              testing::ContainsRegex("^-?[0-9.]+\n-inf\n-inf\n$"));
  EXPECT_THAT(run({"info", file("run")}).out, HasSubstr("bounds       mass=60:, efficiency=0:1\n"));
  EXPECT_EQ(run({"train", "--resume", file("run"), "--iterations", "6", "--quiet"}).code, 0);
  EXPECT_THAT(train("m.csv", {"--bounds", "mass=60"}).err, HasSubstr("--bounds: 'mass=60': expected NAME=LOW:HIGH"));
  EXPECT_THAT(train("m.csv", {"--bounds", "masse=60:"}).err, HasSubstr("did you mean 'mass'?"));
}

TEST_F(Tables, AnAngleIsSampledWithinItsPeriodAndFoldedIntoIt) {
  std::string rows = "phi,x\n";
  for (int i = 0; i < 80; ++i)
    rows += std::to_string(3.14159 * std::sin(i * i)) + "," + std::to_string(std::cos(i * i)) + "\n";
  put("a.csv", rows);
  const auto got = train("a.csv", {"--period", "phi=2pi"});
  ASSERT_EQ(got.code, 0) << got.err;
  EXPECT_THAT(got.err, HasSubstr("of 2 columns: phi in [-3.1"));
  EXPECT_THAT(run({"info", file("run")}).out, HasSubstr("period       phi=-3.14159265:3.14159265\n"));
  EXPECT_THAT(run({"info", file("run")}).out, Not(HasSubstr("bounds")));
  ASSERT_EQ(run({"sample", file("run"), "-n", "300", "-o", file("s.csv"), "--quiet", "--log-density"}).code, 0);
  const auto samples = read_table(file("s.csv")).values;
  EXPECT_GE(samples.row(0).minCoeff(), -M_PI);
  EXPECT_LT(samples.row(0).maxCoeff(), M_PI);
  const auto density = run({"density", file("run"), file("s.csv"), "--summary"}).out;
  EXPECT_THAT(density, testing::ContainsRegex("KL\\(data \\|\\| model\\)  -?0\\.0000"));
  put("turns.csv", "phi,x\n1,0.5\n7.283185307179586,0.5\n-5.283185307179586,0.5\n");
  const auto turns = run({"density", file("run"), file("turns.csv"), "--rtol", "1e-9", "--atol", "1e-9"}).out;
  const auto line = turns.substr(0, turns.find('\n', 0) - 3);
  EXPECT_EQ(turns.find(line, 1), turns.find('\n') + 1) << turns;
  EXPECT_EQ(run({"plot", file("run"), "-o", file("p.png"), "--quiet"}).code, 0);
  put("r.toml", "[data]\nsource = \"" + file("a.csv") + "\"\nperiod = [\"phi=0:2pi\"]\n");
  ASSERT_EQ(run({"data", "split", file("r.toml"), "-o", file("parts.h5"), "--quiet"}).code, 0);
  const auto parts = Hdf5File::open(file("parts.h5"));
  for (const char* name : {"train", "validation", "test"})
    EXPECT_GE(parts.read_matrix<double>(name).row(0).minCoeff(), 0);
  EXPECT_THAT(train("a.csv", {"--period", "phi"}).err, HasSubstr("--period: 'phi': expected NAME=LENGTH"));
  EXPECT_THAT(train("a.csv", {"--period", "phi=6"}).err, HasSubstr("and are moved into it; check the unit"));
}

}  // namespace
}  // namespace pathline

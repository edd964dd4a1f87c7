#include <algorithm>
#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "pathline/checkpoint/model.hpp"
#include "pathline/io/hdf5.hpp"
#include "pathline/io/table.hpp"
#include "pathline/recipe/recipe.hpp"
#include "paths.hpp"
#include "program.hpp"

namespace pathline {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const std::string kFfjord = fixtures_dir() + "/ffjord_8gaussians.h5";

class App : public Scratch {
 protected:
  // A small run: what it writes, not how well it fits.
  // At a rate that does not depend on how long the run is to be, so that a part is the beginning of the whole.
  std::vector<std::string> training(const std::string& directory, const std::string& iterations = "40") const {
    return {"train",         "--data",
            "moons",         "-o",
            file(directory), "--iterations",
            iterations,      "--quiet",
            "--set",         "model.hidden=8,8",
            "--set",         "data.validation_size=200",
            "--set",         "data.test_size=200",
            "--set",         "train.evaluate_every=10",
            "--set",         "optimizer.ema=0.9",
            "--set",         "optimizer.schedule=constant",
            "--set",         "optimizer.warmup=0"};
  }
  static std::vector<std::string> with(std::vector<std::string> a, const std::vector<std::string>& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
  }
  std::string digest_of(const std::string& model) const {
    return Hdf5File::open(file(model)).attribute<std::string>("digest");
  }
};

TEST_F(App, TrainSampleAndDensityAgree) {
  const auto trained = run(training("run"));
  ASSERT_EQ(trained.code, 0) << trained.err;
  EXPECT_THAT(trained.out, HasSubstr("entropy of the data 2.3939; KL(data || model)"));
  ASSERT_EQ(
      run({"sample", file("run"), "-n", "200", "-o", file("s.h5"), "--seed", "4", "--log-density", "--trajectory", "5"})
          .code,
      0);
  const auto drawn = Hdf5File::open(file("s.h5"));
  const auto x = drawn.read_matrix<double>("samples");
  ASSERT_EQ(x.cols(), 200);
  const auto written = drawn.read_vector<double>("log_density");
  EXPECT_EQ(drawn.attribute<std::string>("digest"), digest_of("run/model.h5"));
  EXPECT_EQ(drawn.dataset("trajectory").shape(), (Hdf5Shape{5, 200, 2}));
  std::vector<double> end(400);
  drawn.dataset("trajectory").read_block<double>({4, 0, 0}, {1, 200, 2}, end.data());
  EXPECT_EQ(ConstMatrixMap<double>(end.data(), 2, 200), x);
  const auto density = run({"density", file("run"), file("s.h5") + ":samples"});
  ASSERT_EQ(density.code, 0);
  std::istringstream lines(density.out);
  for (Index i = 0; i < 200; ++i) {
    double printed = 0;
    ASSERT_TRUE(lines >> printed);
    EXPECT_NEAR(printed, written[i], 1e-4) << i;  // float at tolerance 1e-6, there and back
  }
}

TEST_F(App, DensityIsTheSameThroughEveryKindOfFile) {
  ASSERT_EQ(run({"data", "sample", "8gaussians", "-n", "50", "-o", file("x.csv")}).code, 0);
  ASSERT_EQ(run({"data", "sample", "8gaussians", "-n", "50", "-o", file("x.npy")}).code, 0);
  ASSERT_EQ(run({"data", "sample", "8gaussians", "-n", "50", "-o", file("x.h5")}).code, 0);
  const auto csv = run({"density", kFfjord, file("x.csv")}), npy = run({"density", kFfjord, file("x.npy")}),
             hdf5 = run({"density", kFfjord, file("x.h5") + ":values"});
  EXPECT_EQ(csv.code, 0) << csv.err;
  EXPECT_EQ(csv.out, npy.out);
  EXPECT_EQ(csv.out, hdf5.out);
  for (const char* name : {"d.csv", "d.npy", "d.h5"})
    ASSERT_EQ(run({"density", kFfjord, file("x.csv"), "-o", file(name)}).code, 0);
  const Matrix<double> from_csv = read_table(file("d.csv")).values, from_npy = read_table(file("d.npy")).values;
  EXPECT_EQ(from_csv.rows(), 3);
  EXPECT_EQ(from_csv.row(2), from_npy.row(0));
  EXPECT_EQ(read_table(file("d.h5") + ":log_density").values, from_npy);
  EXPECT_EQ(read_table(file("d.h5") + ":points").values, from_csv.topRows(2));
}

TEST_F(App, DensityOnAGridHasTheWholeMassAndKnowsItsError) {
  const auto grid = run({"density", kFfjord, "--grid=-5:5:60", "--summary"});
  ASSERT_EQ(grid.code, 0) << grid.err;
  double mass = 0;
  std::sscanf(grid.out.substr(grid.out.find("mass on the grid")).c_str(), "mass on the grid %lf", &mass);
  EXPECT_NEAR(mass, 1, 2e-3);  // the midpoint rule over modes of width 0.35
  EXPECT_THAT(grid.out, HasSubstr("log-density error  mean "));
}

TEST_F(App, TooFewFixedStepsAreWarnedOf) {
  const auto coarse =
      run({"density", kFfjord, kFfjord + ":points", "--stepper", "euler", "--steps", "3", "-o", file("d.npy")});
  EXPECT_EQ(coarse.code, 0);
  EXPECT_THAT(coarse.err, HasSubstr("warning: --steps 3 is too few: the mean log-density error is"));
  const auto fine = run({"density", kFfjord, kFfjord + ":points", "--stepper", "cash_karp", "--steps", "8", "--quiet"});
  EXPECT_EQ(fine.err, "");
}

TEST_F(App, ADensityFileSaysHowItWasSolvedAndOnWhichGrid) {
  ASSERT_EQ(run({"density", kFfjord, "--grid=-2:2:3,-1:1:4", "-o", file("d.h5"), "--stepper", "rk4", "--steps", "30",
                 "--trace", "hutchinson", "--probes", "2", "--quiet"})
                .code,
            0);
  const auto h5 = Hdf5File::open(file("d.h5"));
  EXPECT_EQ(h5.attribute<std::string>("stepper"), "rk4");
  EXPECT_EQ(h5.attribute<std::int64_t>("steps"), 30);
  EXPECT_EQ(h5.attribute<std::int64_t>("probes"), 2);
  EXPECT_EQ(h5.attribute<std::vector<std::int64_t>>("grid_count"), (std::vector<std::int64_t>{3, 4}));
  EXPECT_EQ(h5.attribute<std::vector<double>>("grid_high"), (std::vector<double>{2, 1}));
  EXPECT_EQ(h5.dataset("log_density").shape(), (Hdf5Shape{3, 4}));
  const auto axis = h5.read_vector<double>("axes/x2");
  ASSERT_EQ(axis.size(), 4);
  EXPECT_NEAR(axis[0], -0.75, 1e-15);
}

TEST_F(App, AGridIsAnArrayWithItsAxesItsSlicesAndItsMarginalsSlow) {
  const auto grid = [&](const std::string& axes, const std::string& output) {
    return run({"density", kFfjord, "--grid=" + axes, "-o", file(output), "--quiet"});
  };
  ASSERT_EQ(grid("-3:3:24,-2:2:5", "g.h5").code, 0);
  ASSERT_EQ(grid("x1=-3:3:24,x2=-2:2:5", "named.h5").code, 0);
  ASSERT_EQ(grid("x1=-3:3:24,x2=0", "slice.h5").code, 0);
  ASSERT_EQ(grid("x1=-3:3:24", "marginal.h5").code, 0);
  const auto whole = Hdf5File::open(file("g.h5"));
  const auto log_p = whole.read_matrix<double>("log_density");  // transposed, as every matrix
  ASSERT_EQ(log_p.rows(), 5);
  ASSERT_EQ(log_p.cols(), 24);
  EXPECT_EQ(whole.dataset("log_density").attribute<std::vector<std::string>>("axes"),
            (std::vector<std::string>{"x1", "x2"}));
  EXPECT_EQ(Hdf5File::open(file("named.h5")).read_matrix<double>("log_density"), log_p);
  const auto slice = Hdf5File::open(file("slice.h5"));
  EXPECT_LT((slice.read_vector<double>("log_density").transpose() - log_p.row(2)).cwiseAbs().maxCoeff(), 1e-4);
  EXPECT_EQ(slice.dataset("log_density").attribute<std::vector<std::string>>("fixed"), std::vector<std::string>{"x2"});
  EXPECT_EQ(slice.dataset("log_density").attribute<std::vector<double>>("fixed_at"), std::vector<double>{0});

  // The marginal is the integral over the other column, and its own integral is 1.
  ASSERT_EQ(grid("-3:3:24,-6:6:300", "fine.h5").code, 0);
  const RowVector<double> sums =
      Hdf5File::open(file("fine.h5")).read_matrix<double>("log_density").array().exp().colwise().sum() * (12. / 300);
  const auto marginal = Hdf5File::open(file("marginal.h5")).read_vector<double>("log_density");
  EXPECT_LT((marginal.transpose().array().exp() - sums.array()).abs().maxCoeff(), 1e-3 * sums.maxCoeff());
  EXPECT_EQ(
      Hdf5File::open(file("marginal.h5")).dataset("log_density").attribute<std::vector<std::string>>("integrated"),
      std::vector<std::string>{"x2"});
  ASSERT_EQ(grid("x1=-6:6:48", "whole.h5").code, 0);
  const auto all = Hdf5File::open(file("whole.h5")).read_vector<double>("log_density");
  EXPECT_NEAR((all.array().exp() * 0.25).sum(), 1, 1e-3);  // cells of 0.25 over modes of width 0.35
  ASSERT_EQ(grid("x1=-3:3:3", "m.csv").code, 0);
  EXPECT_EQ(read_table(file("m.csv")).columns, (std::vector<std::string>{"x1", "log_density"}));
  EXPECT_THAT(grid("x1=-3:3:3,x3=1", "m.csv").err, HasSubstr("no column 'x3'; did you mean 'x"));
  EXPECT_THAT(grid("x1=-3:3:3,1", "m.csv").err, HasSubstr("'1': expected NAME=LOW:HIGH:N or NAME=VALUE"));
  EXPECT_THAT(grid("x1=-3:3:3,x1=1", "m.csv").err, HasSubstr("column 'x1' is named twice"));
}

// A recipe by itself: every key with its default, which `train` takes.
TEST_F(App, TheKeysOfARecipeAreARecipe) {
  const auto got = run({"info", "--keys"});
  ASSERT_EQ(got.code, 0) << got.err;
  EXPECT_THAT(got.out, HasSubstr("rtol = 0.001  # relative tolerance of an adaptive step, per sample: > 0\n"));
  put("keys.toml", got.out);
  EXPECT_EQ(read_recipe(file("keys.toml")), Recipe{});
  EXPECT_EQ(run({"info"}).code, 2);
}

TEST_F(App, ImportedFfjordIsWhatItWas) {
  ASSERT_EQ(run({"import", "ffjord", kFfjord, "-o", file("m.h5"), "--precision", "double"}).code, 0);
  ASSERT_EQ(
      run({"density", file("m.h5"), kFfjord + ":points", "-o", file("d.npy"), "--rtol", "1e-10", "--atol", "1e-10"})
          .code,
      0);
  const auto expected = Hdf5File::open(kFfjord).read_vector<double>("log_density");
  EXPECT_LT((read_table(file("d.npy")).values.row(0).transpose() - expected).cwiseAbs().maxCoeff(), 1e-7);
  EXPECT_EQ(run({"import", "ffjord", file("m.h5"), "-o", file("n.h5")}).code, 2);
  EXPECT_THAT(run({"info", file("m.h5")}).out, HasSubstr("mlp (hidden 64-64-64, layer concatsquash, activation tanh"));
}

TEST_F(App, ResumedRunIsBitwiseTheUninterruptedOne) {
  ASSERT_EQ(run(training("whole")).code, 0);
  ASSERT_EQ(run(training("parts", "20")).code, 0);
  const auto rest = run({"train", "--resume", file("parts"), "--iterations", "40", "--quiet", "--threads", "1"});
  ASSERT_EQ(rest.code, 0) << rest.err;
  EXPECT_EQ(digest_of("whole/model.h5"), digest_of("parts/model.h5"));
  EXPECT_EQ(digest_of("whole/last.h5"), digest_of("parts/last.h5"));
  const std::string lines = get("parts/metrics.jsonl");
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 4);
  EXPECT_EQ(run({"train", "--resume", file("parts"), "--quiet"}).code, 0);  // a finished run: nothing is left to do
  EXPECT_EQ(digest_of("whole/model.h5"), digest_of("parts/model.h5"));
}

// In the middle of the second stage, whose optimizer began anew.
TEST_F(App, AResumedRunOfStagesIsBitwiseTheUninterruptedOne) {
  put("r.toml",
      "[data]\nsource = \"moons\"\nvalidation_size = 200\ntest_size = 200\n[model]\nfield = \"potential\"\nhidden = "
      "[8, 8]\n"
      "[[objective]]\nkind = \"flow_matching\"\ncoupling = \"ot\"\niterations = 15\n[[objective]]\nhjb = 0.1\n"
      "[optimizer]\nschedule = \"constant\"\nwarmup = 0\nema = 0.9\n[train]\niterations = 40\nevaluate_every = 10\n");
  ASSERT_EQ(run({"train", file("r.toml"), "-o", file("whole"), "--quiet"}).code, 0);
  ASSERT_EQ(run({"train", file("r.toml"), "-o", file("parts"), "--quiet", "--iterations", "22"}).code, 0);
  ASSERT_EQ(run({"train", "--resume", file("parts"), "--iterations", "40", "--quiet"}).code, 0);
  EXPECT_EQ(digest_of("whole/last.h5"), digest_of("parts/last.h5"));
  EXPECT_THAT(run({"info", file("parts")}).out, HasSubstr("potential (width 8, layers 2"));
}

TEST_F(App, ReverseKlNeedsNoDataAndTellsItsWeightsSlow) {
  put("r.toml",
      "[data]\nvalidation_size = 500\ntest_size = 500\n[model]\nhidden = [8, 8]\n[solver]\nrtol = 1e-3\natol = 1e-3\n"
      "[[objective]]\nkind = \"reverse_kl\"\ntarget = \"banana\"\n[train]\niterations = 20\nevaluate_every = 10\n");
  const auto got = run({"train", file("r.toml"), "-o", file("run"), "--quiet"});
  ASSERT_EQ(got.code, 0) << got.err;
  EXPECT_THAT(got.out, HasSubstr("effective sample size"));
  EXPECT_THAT(got.out, HasSubstr("exactly 1.8379; KL(model || target)"));
  EXPECT_THAT(get("run/metrics.jsonl"), HasSubstr("\"log_z\":"));
  EXPECT_EQ(run({"sample", file("run"), "-n", "5", "-o", file("s.h5")}).code, 0);
  EXPECT_EQ(run({"plot", file("run"), "-o", file("p.png")}).code, 0);
  EXPECT_THAT(run({"train", file("r.toml"), "-o", file("x"), "--set", "objective.target=donut"}).err,
              HasSubstr("must be one of funnel"));
  EXPECT_THAT(run({"train", file("r.toml"), "-o", file("x"), "--set", "model.base=diagonal"}).err,
              HasSubstr("base_train"));
}

// The table of somebody: an index, a class in words, and the columns of interest between.
TEST_F(App, OfAWideTableTheColumnsAskedForAreTrainedAndFound) {
  std::string rows = "id,x,y,class\n";
  for (int i = 0; i < 60; ++i)
    rows +=
        "n" + std::to_string(i) + "," + std::to_string(std::sin(i)) + "," + std::to_string(std::cos(3 * i)) + ",up\n";
  put("wide.csv", rows);
  const auto got = run({"train", "--data", file("wide.csv"), "--columns", "y", "--condition", "x", "-o", file("run"),
                        "--iterations", "5", "--quiet", "--set", "model.hidden=8"});
  ASSERT_EQ(got.code, 0) << got.err;
  EXPECT_THAT(run({"info", file("run")}).out, HasSubstr("dimension    1 (y)\ncondition    1 (x)\n"));
  const auto density = run({"density", file("run"), file("wide.csv"), "--quiet"});
  EXPECT_EQ(std::count(density.out.begin(), density.out.end(), '\n'), 60) << density.err;
  EXPECT_THAT(run({"train", "--data", "moons", "--columns", "x1", "-o", file("toy")}).err,
              HasSubstr("'moons' is built in"));
}

TEST_F(App, DataSplitHasEveryRowOnceAsTheRecipeSplitsThem) {
  std::string rows = "a,b\n";
  for (int i = 0; i < 50; ++i) rows += std::to_string(i) + "," + std::to_string(i * i) + "\n";
  put("d.csv", rows);
  put("r.toml", "[data]\nsource = '" + file("d.csv") + "'\ntest_fraction = 0.2\n");
  const auto got = run({"data", "split", file("r.toml"), "-o", file("s.h5")});
  ASSERT_EQ(got.code, 0) << got.err;
  EXPECT_EQ(got.out, "train      35 rows\nvalidation 5 rows\ntest       10 rows\n");
  const auto split = Hdf5File::open(file("s.h5"));
  std::vector<double> all;
  for (const char* part : {"train", "validation", "test"}) {
    const auto x = split.read_matrix<double>(part);
    for (Index i = 0; i < x.cols(); ++i) {
      EXPECT_EQ(x(0, i) * x(0, i), x(1, i));
      all.push_back(x(0, i));
    }
  }
  std::sort(all.begin(), all.end());
  for (int i = 0; i < 50; ++i) EXPECT_EQ(all[static_cast<std::size_t>(i)], i);
  put("toy.toml", "[data]\nsource = 'moons'\n");
  EXPECT_THAT(run({"data", "split", file("toy.toml"), "-o", file("t.h5")}).err, HasSubstr("no fixed training rows"));
}

TEST_F(App, AnyNumberOfThreadsTrainsTheSameModelBitwise) {
  ASSERT_EQ(run(with(training("one"), {"--threads", "1"})).code, 0);
  ASSERT_EQ(run(with(training("three"), {"--threads", "3"})).code, 0);
  ASSERT_EQ(run(with(training("other"), {"--seed", "1"})).code, 0);
  EXPECT_EQ(digest_of("one/model.h5"), digest_of("three/model.h5"));
  EXPECT_NE(digest_of("one/model.h5"), digest_of("other/model.h5"));
}

TEST_F(App, InterruptSavesAndTheRunGoesOnSlow) {
  // The tool itself, so that the signal is a real one.
  const std::string tool = tool_path();
  put("stop.sh", "'" + tool + "' train --data moons -o '" + file("run") +
                     "' --iterations 100000 --quiet --set model.hidden=8 "
                     "--set data.validation_size=10 &\npid=$!\nsleep 1\nkill -INT $pid\nwait $pid\necho $? > '" +
                     file("code") + "'\n");
  ASSERT_EQ(std::system(("bash -m '" + file("stop.sh") + "' 2> '" + file("err") + "'").c_str()), 0);
  EXPECT_EQ(get("code"), "130\n");
  EXPECT_THAT(get("err"), HasSubstr("continue with: pathline train --resume"));
  const auto group = Hdf5File::open(file("run/last.h5"));
  const auto done = group.group("training").attribute<std::int64_t>("iteration");
  EXPECT_GT(done, 0);
  const auto more = run({"train", "--resume", file("run"), "--iterations", std::to_string(done + 5), "--quiet"});
  EXPECT_EQ(more.code, 0) << more.err;
}

// HDF5's exit handler crashed after a write that had failed: the process ended with a signal instead of code 2.
TEST_F(App, AFullDiskIsOneLineAndExitCodeTwo) {
  const std::string tool = tool_path();
  // A limit on the size of files stands for a disk; 64 blocks of 1024 bytes.
  put("full.sh", "trap '' XFSZ\nulimit -f 64\n'" + tool + "' sample '" + kFfjord + "' -n 100000 -o '" + file("s.h5") +
                     "' --rtol 1e-2 --atol 1e-2\necho $? > '" + file("code") + "'\n");
  ASSERT_EQ(std::system(("bash '" + file("full.sh") + "' 2> '" + file("err") + "'").c_str()), 0);
  EXPECT_EQ(get("code"), "2\n");
  EXPECT_THAT(get("err"), HasSubstr("s.h5: "));
  EXPECT_THAT(get("err"), HasSubstr("cannot write"));
  EXPECT_FALSE(std::filesystem::exists(file("s.h5")));
}

TEST_F(App, BadInputExitsWithTwoOneLineAndWritesNothing) {
  ASSERT_EQ(run(training("run", "10")).code, 0);
  const std::string model = file("run/model.h5");
  put("ragged.csv", "1,2\n3\n"), put("text.csv", "1,2\n3,x\n"), put("nan.csv", "1,2\nnan,4\n"),
      put("wide.csv", "1,2,3\n");
  put("bad.toml", "[solver]\nrtoll = 1e-3\n"), put("junk.h5", "junk");
  std::string whole = get("run/model.h5");
  put("cut.h5", whole.substr(0, whole.size() / 2));
  ASSERT_EQ(python("import shutil\nshutil.copy('run/model.h5', 'new.h5')\n"
                   "with h5py.File('new.h5', 'a') as f: f.attrs['format_version'] = 9\n"
                   "with open('new.h5', 'r+b') as f: f.write(bytes(512))  # no checksum"),
            "");
  const std::ptrdiff_t before = files();
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"train", "--data", "moos", "-o", file("x")}, "moons"},
      {{"train", "--data", "moons", "--rtol=-1", "-o", file("x")}, "pathline: --rtol = -1: must be > 0"},
      {{"train", file("bad.toml"), "--data", "moons", "-o", file("x")}, "bad.toml:2: "},
      {{"train", "--data", "moons", "-o", file("x"), "--set", "train.iteration=5"}, "train.iterations"},
      {{"train", "--data", file("nan.csv"), "-o", file("x")}, "nan.csv: line 2, column 1: nan: must be finite"},
      {{"train", "--data", "moons", "-o", file("run")},
       "this directory already contains a run; continue it with --resume"},
      {{"train", "--resume", file("nowhere")}, "nowhere/last.h5: not found"},
      {{"sample", file("none.h5"), "-o", file("x.h5")}, "none.h5: cannot read: No such file"},
      {{"sample", model, "-o", file("x.png")}, "x.png: unknown format"},
      {{"sample", model, "-n", "-3", "-o", file("x.h5")}, "-n = -3: must be >= 0"},
      {{"density", model, file("ragged.csv")}, "ragged.csv: line 2: 1 column, expected 2"},
      {{"density", model, file("text.csv")}, "text.csv: line 2, column 2: 'x': expected a number"},
      {{"density", model, file("nan.csv")}, "nan.csv: line 2, column 1: nan: must be finite"},
      {{"density", model, file("wide.csv")}, "wide.csv: has 3 columns; the model needs 2 (x1, x2)"},
      {{"density", model, file("run/model.h5") + ":nothing"}, "no data set 'nothing'"},
      {{"density", model, file("ragged.csv"), "-o", file("x.pdf")}, "x.pdf: unknown format"},
      {{"density", model, file("ragged.csv"), "-o", file("x.csv.gz")}, "x.csv.gz: this format is read only"},
      {{"density", model}, "expected either an INPUT or --grid"},
      {{"density", model, "--grid=4:-4:10"}, "LOW < HIGH"},
      {{"density", model, "--grid=-4:4:10,0:1:2,0:1:2"}, "3 axes; the model has 2"},
      {{"density", model, "--grid=-4:4:10", "--condition", "1"}, "--condition = 1: the model has no condition"},
      {{"density", file("cut.h5"), file("wide.csv")}, "cut.h5: "},
      {{"density", file("junk.h5"), file("wide.csv")}, "junk.h5: "},
      {{"density", file("new.h5"), file("wide.csv")}, "new.h5: model format 9: this pathline"},
      {{"density", model, file("wide.csv"), "--precision", "half"}, "--precision = half: must be one of float, double"},
      {{"density", model, file("wide.csv"), "--stepper", "dopri6"}, "dopri6"},
      {{"data", "sample", "moons", "-o", file("no/such/x.csv")}, "cannot write"},
  };
  for (const auto& [arguments, expected] : cases) {
    const auto got = run(arguments);
    EXPECT_EQ(got.code, 2) << expected;
    EXPECT_THAT(got.err, HasSubstr(expected));
    EXPECT_THAT(got.err, StartsWith("pathline: "));
    EXPECT_EQ(std::count(got.err.begin(), got.err.end(), '\n'), 1) << got.err;
    EXPECT_EQ(files(), before) << expected;
  }
  EXPECT_EQ(get("run/model.h5"), whole);
  EXPECT_EQ(run({}).code, 2);
}

const std::string kModels = source_dir() + "/models/";

// A misspelt name, and all columns were taken in their order: nonsense, and exit code 0.
TEST_F(App, DensityFindsEveryColumnOrSaysWhichIsMissing) {
  const std::string geyser = kModels + "geyser.h5";
  put("right.csv", "eruptions,waiting\n3.6,79\n"), put("turned.csv", "waiting,eruptions\n79,3.6\n");
  put("typo.csv", "waiting,eruption\n79,3.6\n"), put("other.csv", "a,b\n3.6,79\n");
  put("truth.csv", "log_density,a\n3.6,79\n");
  const auto right = run({"density", geyser, file("right.csv")});
  ASSERT_EQ(right.code, 0) << right.err;
  EXPECT_EQ(run({"density", geyser, file("turned.csv")}).out, right.out);
  const auto typo = run({"density", geyser, file("typo.csv")});
  EXPECT_EQ(typo.code, 2);
  EXPECT_THAT(
      typo.err,
      HasSubstr("typo.csv: has no column 'eruptions' (nearest: 'eruption'); the model needs eruptions, waiting"));
  const auto other = run({"density", geyser, file("other.csv")});
  EXPECT_EQ(other.out, right.out);
  EXPECT_THAT(other.err, HasSubstr("note: " + file("other.csv") +
                                   ": column names do not match those of the model (eruptions, waiting)"));
  EXPECT_EQ(run({"density", geyser, file("other.csv"), "--quiet"}).err, "");
  EXPECT_THAT(run({"density", geyser, file("truth.csv")}).err,
              HasSubstr("2 columns, one of them log_density; the model needs 2"));
}

// The condition may have been any of the columns: the points came first, whatever the training table's order was.
// Couplings alone: nothing is solved, so an option of the solver would be ignored.
TEST_F(App, OptionsOfTheSolverAreRefusedForAModelThatSolvesNothing) {
  const std::string spline = source_dir() + "/models/moons_spline.h5";
  put("p.csv", "a,b\n0,0\n1,1\n");
  for (const std::vector<std::string>& option : {std::vector<std::string>{"--steps", "8"}, {"--rtol", "1e-3"},
                                                 {"--trace", "hutchinson"}, {"--stepper", "rk4"}}) {
    for (std::vector<std::string> command : {std::vector<std::string>{"density", spline, file("p.csv")},
                                             {"sample", spline, "-n", "3", "-o", file("s.csv")},
                                             {"plot", spline, "--cells", "4", "-o", file("p.png")}}) {
      command.insert(command.end(), option.begin(), option.end());
      const auto got = run(command);
      EXPECT_EQ(got.code, 2) << command[0] << option[0];
      EXPECT_THAT(got.err, HasSubstr(option[0] + " has no effect: the model has no continuous block"));
    }
  }
  EXPECT_EQ(run({"density", spline, file("p.csv")}).code, 0);
}

TEST_F(App, DensityOfAConditionNeedsNames) {
  const std::string posterior = kModels + "posterior.h5";
  put("named.csv", "x1,x2\n0.5,1\n"), put("unnamed.csv", "0.5,1\n"), put("point.csv", "1\n"),
      put("a.csv", "a,b\n1,2\n");
  const auto named = run({"density", posterior, file("named.csv")});
  ASSERT_EQ(named.code, 0) << named.err;
  for (const char* name : {"unnamed.csv", "a.csv"}) {
    const auto refused = run({"density", posterior, file(name)});
    EXPECT_EQ(refused.code, 2);
    EXPECT_THAT(refused.err, HasSubstr("the model needs columns (x2) and its condition (x1) by name, or --condition"));
  }
  EXPECT_EQ(run({"density", posterior, file("point.csv"), "--condition", "0.5"}).out, named.out);
  const auto given = run({"density", posterior, file("named.csv"), "--condition", "0.5"});
  EXPECT_EQ(given.out, named.out);
  EXPECT_THAT(given.err, HasSubstr("column 'x1' is not used because --condition is given"));
  ASSERT_EQ(run({"density", posterior, file("named.csv"), "-o", file("d.csv")}).code, 0);
  const auto table = read_table(file("d.csv"));
  EXPECT_THAT(table.columns, testing::ElementsAre("x2", "x1", "log_density"));
  EXPECT_EQ(table.values.col(0).head(2), Vector<double>({{1, 0.5}}));
  ASSERT_EQ(run({"density", posterior, file("named.csv"), "-o", file("d.h5")}).code, 0);
  EXPECT_EQ(read_table(file("d.h5") + ":condition").values(0, 0), 0.5);
}

TEST_F(App, OutputThatIsAnInputIsRefused) {
  std::filesystem::copy(kFfjord, file("m.h5"));
  std::filesystem::create_symlink(file("m.h5"), file("link.h5"));
  put("r.toml", "[data]\nsource = '" + file("m.h5") + ":points'\n"),
      std::filesystem::copy(file("r.toml"), file("r.h5"));
  const std::string before = get("m.h5");
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"sample", file("m.h5"), "-n", "3", "-o", file("link.h5")}, "link.h5 is the model; choose another file"},
      {{"density", kFfjord, file("m.h5") + ":points", "-o", file("m.h5")}, "m.h5 is the input; choose another file"},
      {{"density", file("m.h5"), "--grid=-4:4:2", "-o", file("m.h5")}, "m.h5 is the model; choose another file"},
      {{"data", "split", file("r.toml"), "-o", file("m.h5")}, "m.h5 is the recipe's data; choose another file"},
      {{"data", "split", file("r.h5"), "-o", file("r.h5")}, "r.h5 is the recipe; choose another file"},
      {{"import", "ffjord", file("m.h5"), "-o", file("m.h5")}, "m.h5 is the network to import; choose another file"},
      {{"sample", kFfjord, "-n", "3", "-o", file("x.h5:y")},
       "samples have fixed data set names; expected FILE.h5 without a data set"},
      {{"density", kFfjord, "--grid=-4:4:2", "-o", file("x.h5:y")}, "expected FILE.h5 without a data set"},
      {{"data", "split", file("r.toml"), "-o", file("s.csv")},
       "s.csv: parts are written to HDF5; the name must end with .h5"},
      {{"import", "ffjord", kFfjord, "-o", file("q.png")}, "q.png: models are written to HDF5"},
  };
  for (const auto& [arguments, expected] : cases) {
    const auto got = run(arguments);
    EXPECT_EQ(got.code, 2) << expected;
    EXPECT_THAT(got.err, HasSubstr(expected));
  }
  EXPECT_EQ(get("m.h5"), before);
  EXPECT_EQ(files(), 4);
}

// The row counted from 1 in each part of 65,536, and there was no file.
TEST_F(App, DensityThatFailsNamesTheFileAndTheRow) {
  put("far.csv", "0.5,1\n1e30,1\n");
  const auto far = run({"density", kModels + "moons.h5", file("far.csv")});
  EXPECT_EQ(far.code, 1);
  EXPECT_THAT(far.err, HasSubstr("row 2: "));
  put("logit.toml",
      "[data]\nsource = '" + file("unit.csv") + "'\nlogit = 0.05\n[model]\nhidden = [4]\n[train]\niterations = 1\n");
  std::string rows = "x\n";
  for (int i = 0; i < 70000; ++i) rows += i == 69999 ? "7\n" : i % 2 ? "0.25\n" : "0.5\n";
  put("bad.csv", rows), put("unit.csv", rows.substr(0, 400));
  ASSERT_EQ(run({"train", file("logit.toml"), "-o", file("run"), "--quiet"}).code, 0);
  const auto bad = run({"density", file("run"), file("bad.csv"), "--summary", "--stepper", "euler", "--steps", "1"});
  EXPECT_EQ(bad.code, 2);
  EXPECT_THAT(bad.err, HasSubstr("bad.csv: row 70000, column 1: 7: the logit transform of the model"));
}

TEST_F(App, SummaryOfOnePointHasNoStandardError) {
  put("one.csv", "0.5,1\n");
  const auto one = run({"density", kFfjord, file("one.csv"), "--summary"});
  EXPECT_EQ(one.code, 0);
  EXPECT_THAT(one.out, testing::Not(HasSubstr("+-")));
}

// The check at 1e-9 failed, and with it the command that had done its work.
TEST_F(App, SummaryTellsAnErrorThatIsNotKnown) {
  put("far.csv", "0.5,1\n1e30,1\n");
  const auto got =
      run({"density", kModels + "moons.h5", file("far.csv"), "--summary", "--stepper", "euler", "--steps", "2"});
  EXPECT_EQ(got.code, 0) << got.err;
  EXPECT_THAT(got.out, HasSubstr("log-density error  not known: "));
}

TEST_F(App, FailedSolveSaysWhereAndWhatToTry) {
  const auto got = run(with(training("run"), {"--set", "solver.max_steps=2", "--rtol", "1e-8", "--atol", "1e-8"}));
  EXPECT_EQ(got.code, 1);
  EXPECT_THAT(got.err, HasSubstr("step limit of 2 reached at t = "));
  EXPECT_THAT(got.err, HasSubstr("loosen rtol and atol"));
}

// `info` died on a null, JSON's NaN; the error of one point was +- 0.0000.
TEST_F(App, InfoOfARunWithoutAFiniteValidationSaysNotKnown) {
  ASSERT_EQ(run(with(training("none", "10"), {"--set", "data.validation_size=0", "--set", "data.test_size=1"})).code,
            0);
  const auto none = run({"info", file("none")});
  EXPECT_EQ(none.code, 0) << none.err;
  EXPECT_THAT(none.out, HasSubstr("validation NLL not known nats"));
  const auto one = run(with(training("one", "10"), {"--set", "data.validation_size=1", "--set", "data.test_size=1"}));
  EXPECT_THAT(one.out, Not(HasSubstr("+-")));
  EXPECT_THAT(run({"info", file("one")}).out, Not(HasSubstr("+-")));
}

TEST_F(App, ARunOfNoIterationsNamesNoModel) {
  const auto got = run(training("run", "0"));
  EXPECT_EQ(got.code, 0) << got.err;
  EXPECT_FALSE(std::filesystem::exists(file("run/model.h5")));
  EXPECT_THAT(got.out, HasSubstr("no model.h5 was written"));
}

// The old run went before the new one was looked at.
TEST_F(App, ForceKeepsTheOldRunUntilTheNewOneCanBegin) {
  ASSERT_EQ(run(training("run", "10")).code, 0);
  const std::string model = get("run/model.h5");
  EXPECT_EQ(run({"train", "--data", file("typo.csv"), "-o", file("run"), "--force"}).code, 2);
  EXPECT_EQ(get("run/model.h5"), model);
  EXPECT_EQ(run(with(training("run", "20"), {"--force"})).code, 0);
  EXPECT_NE(get("run/model.h5"), model);
  EXPECT_THAT(run({"train", "--resume", file("run"), "--seed", "1"}).err,
              HasSubstr("pathline: --seed = 1: cannot change on resume (was 0)"));
}

TEST_F(App, TerminationSavesAsAnInterruptDoesSlow) {
  const std::string tool = tool_path();
  put("stop.sh", "'" + tool + "' train --data moons -o '" + file("run") +
                     "' --iterations 100000 --quiet --set model.hidden=8 "
                     "--set data.validation_size=10 &\npid=$!\nsleep 1\nkill -TERM $pid\nwait $pid\necho $? > '" +
                     file("code") + "'\n");
  ASSERT_EQ(std::system(("bash -m '" + file("stop.sh") + "' 2> '" + file("err") + "'").c_str()), 0);
  EXPECT_EQ(get("code"), "130\n");
  EXPECT_GT(Hdf5File::open(file("run/last.h5")).group("training").attribute<std::int64_t>("iteration"), 0);
}

// The help's own example: the recipe's stages have numbers, and more iterations were an error.
TEST_F(App, ARunOfStagesGoesOnInItsLast) {
  put("r.toml",
      "[data]\nsource = \"moons\"\nvalidation_size = 20\ntest_size = 20\n[model]\nhidden = [8]\n"
      "[[objective]]\nkind = \"flow_matching\"\niterations = 10\n[[objective]]\niterations = 10\n"
      "[train]\niterations = 20\n");
  ASSERT_EQ(run({"train", file("r.toml"), "-o", file("run"), "--quiet"}).code, 0);
  const auto more = run({"train", "--resume", file("run"), "--iterations", "25"});
  EXPECT_EQ(more.code, 0) << more.err;
  EXPECT_THAT(more.err, HasSubstr("note: the last stage also runs the 5 iterations"));
  EXPECT_THAT(more.out, HasSubstr("25 iterations in"));
  EXPECT_THAT(run({"train", file("r.toml"), "-o", file("x"), "--iterations", "2"}).err,
              HasSubstr("the stages request 20 in total"));
}

// A picture needed the training's file at its old place.
TEST_F(App, PlotWithoutTheDataShowsTheModel) {
  std::string rows = "a,b,c\n";
  for (int i = 0; i < 60; ++i)
    rows += std::to_string(i % 7) + "," + std::to_string(i * i % 11) + "," + std::to_string(i * 5 % 13) + "\n";
  put("d.csv", rows);
  ASSERT_EQ(run({"train", "--data", file("d.csv"), "-o", file("run"), "--iterations", "10", "--quiet", "--set",
                 "model.hidden=8"})
                .code,
            0);
  const auto with_data = run({"plot", file("run"), "-o", file("p.svg"), "--samples", "200"});
  EXPECT_EQ(with_data.err, "");
  std::filesystem::remove(file("d.csv"));
  const auto without = run({"plot", file("run"), "-o", file("q.svg"), "--samples", "200"});
  EXPECT_EQ(without.code, 0) << without.err;
  EXPECT_THAT(without.err,
              StartsWith("pathline: note: the plot is drawn without data: " + file("d.csv") + ": cannot read"));
  EXPECT_TRUE(std::filesystem::exists(file("q.svg")));
  EXPECT_EQ(run({"plot", file("run"), "-o", file("r.svg"), "--data", file("none.csv")}).code, 2);
}

TEST_F(App, AFullStandardOutputIsExitCodeTwo) {
  const std::string tool = tool_path();
  for (const std::string& arguments : std::vector<std::string>{"data list", "--help", "info '" + kFfjord + "'"}) {
    const int status = std::system(("'" + tool + "' " + arguments + " > /dev/full 2> '" + file("err") + "'").c_str());
    EXPECT_EQ(WEXITSTATUS(status), 2) << arguments;
    EXPECT_EQ(get("err"), "pathline: standard output: cannot write: No space left on device\n") << arguments;
  }
}

// 99999999999999999999 was 2^63 - 1, and -1 was 2^64 - 1.
TEST_F(App, AnIntegerThatDoesNotFitIsRefused) {
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"train", "--data", "moons", "--seed", "99999999999999999999"},
                                             {"sample", kFfjord, "-o", file("s.h5"), "--seed", "-1"},
                                             {"sample", kFfjord, "-o", file("s.h5"), "-n", "99999999999999999999"},
                                             {"data", "sample", "moons", "-o", file("s.h5"), "-n", "1.5"}}) {
    const auto got = run(arguments);
    EXPECT_EQ(got.code, 2);
    EXPECT_THAT(got.err, HasSubstr(arguments.back() + ": expected an integer"));
    EXPECT_EQ(got.err.find(" from ") != std::string::npos, arguments.back().starts_with("9")) << got.err;  // the range
    EXPECT_EQ(std::count(got.err.begin(), got.err.end(), '\n'), 1) << got.err;
  }
}

TEST_F(App, AWrongWordOrOptionIsOneLineWithTheNearest) {
  EXPECT_THAT(run({"dens", "m.h5"}).err,
              StartsWith("pathline: unknown command 'dens' of pathline; did you mean 'density'?"));
  EXPECT_THAT(run({"data", "lst"}).err, HasSubstr("unknown command 'lst' of pathline data; did you mean 'list'?"));
  EXPECT_THAT(run({}).err, StartsWith("pathline: expected a command: train, sample"));
  const auto got = run({"train", "--iteration", "3"});
  EXPECT_EQ(got.code, 2);
  EXPECT_THAT(got.err, HasSubstr("--iteration"));
  EXPECT_THAT(got.err, HasSubstr("see pathline train --help\n"));
  EXPECT_EQ(std::count(got.err.begin(), got.err.end(), '\n'), 1) << got.err;
}

TEST_F(App, HDF5IsNotWrittenUnderAnotherSuffix) {
  put("d.csv", "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n"), put("r.toml", "[data]\nsource = '" + file("d.csv") + "'\n");
  EXPECT_THAT(run({"import", "ffjord", kFfjord, "-o", file("q.png")}).err,
              HasSubstr("q.png: models are written to HDF5"));
  EXPECT_THAT(run({"data", "split", file("r.toml"), "-o", file("s.csv")}).err, HasSubstr("the name must end with .h5"));
  EXPECT_EQ(files(), 2);
}

// On 80 columns it wrapped, and each redraw left a line.
TEST_F(App, TheTrainingBarFitsItsTerminal) {
  put("tool", tool_path());
  const auto drawn = python(
      "import os, pty, fcntl, struct, termios, sys\n"
      "tool = open('tool').read()\n"
      "pid, master = pty.fork()\n"
      "if pid == 0:\n"
      "  fcntl.ioctl(2, termios.TIOCSWINSZ, struct.pack('HHHH', 24, 40, 0, 0))\n"
      "  os.execv(tool, [tool, 'train', '--data', 'moons', '-o', 'run', '--iterations', '30', '--set', "
      "'model.hidden=8', "
      "'--set', 'data.validation_size=10', '--set', 'data.test_size=0'])\n"
      "out = b''\n"
      "try:\n"
      "  while True:\n"
      "    part = os.read(master, 65536)\n"
      "    if not part: break\n"
      "    out += part\n"
      "except OSError: pass\n"
      "lines = [l.split(b'\\r')[0] for l in out.split(b'\\x1b[K')[1:]]\n"
      "print(len(lines) > 0, max(len(l) for l in lines))\n");
  EXPECT_EQ(drawn, "True 39\n");
}

TEST_F(App, EveryHelpHasAnExample) {
  for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{{"train"},
                                                                                       {"sample"},
                                                                                       {"density"},
                                                                                       {"info"},
                                                                                       {"data"},
                                                                                       {"data", "list"},
                                                                                       {"data", "sample"},
                                                                                       {"data", "split"},
                                                                                       {"plot"},
                                                                                       {"import"},
                                                                                       {"import", "ffjord"}}) {
    const auto got = run(with(command, {"--help"}));
    EXPECT_EQ(got.code, 0);
    EXPECT_THAT(got.out, HasSubstr("Example")) << command[0];
    EXPECT_THAT(got.out, HasSubstr("pathline " + command[0])) << command[0];
  }
}

}  // namespace
}  // namespace pathline

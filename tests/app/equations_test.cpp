// What makes the equations of a flow visible: the density on the way, paths with their equations, the field, study and
// compare.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "pathline/checkpoint/model.hpp"
#include "pathline/io/hdf5.hpp"
#include "pathline/io/table.hpp"
#include "paths.hpp"
#include "program.hpp"
#include "verify/continuity.hpp"

namespace pathline {
namespace {

using testing::HasSubstr;

const std::string kSeen = source_dir() + "/models/";
const std::string kModel = kSeen + "8gaussians_small.h5";

class Equations : public Scratch {
 protected:
  std::string says(std::vector<std::string> arguments) {
    const auto r = run(std::move(arguments));
    EXPECT_EQ(r.code, 2) << r.err;
    return r.err;
  }
};

TEST_F(Equations, DensityAtTimeZeroIsThatOfTheBaseAndAtTheEndThatOfTheData) {
  const auto points = put("x.csv", "x1,x2\n0.5,-1\n2,0.3\n-1.2,1.7\n");
  const auto flow = read_model<double>(kModel).flow;
  const Matrix<double> x = read_table(points).values;
  RowVector<double> log_det = RowVector<double>::Zero(3);
  const RowVector<double> base = flow.base->log_density(flow.standardized(x, &log_det)) + log_det;
  ASSERT_EQ(run({"density", kModel, points, "--time", "0", "--precision", "double", "-o", file("d.csv")}).code, 0);
  EXPECT_LT((read_table(file("d.csv"), {"log_density"}).values.row(0) - base).cwiseAbs().maxCoeff(), 1e-8);
  const auto end = run({"density", kModel, points, "--time", "1"}), plain = run({"density", kModel, points});
  EXPECT_EQ(end.out, plain.out);
  EXPECT_NE(run({"density", kModel, points, "--time", "0.5"}).out, plain.out);
}

TEST_F(Equations, DensityOnTheWayHasTheWholeMassAlsoOfAMarginal) {
  const auto grid = run({"density", kModel, "--grid=-6:6:80", "--time", "0.5", "--summary"});
  ASSERT_EQ(grid.code, 0) << grid.err;
  double mass = 0;
  std::sscanf(grid.out.substr(grid.out.find("mass on the grid")).c_str(), "mass on the grid %lf", &mass);
  EXPECT_NEAR(mass, 1, 2e-3);  // the midpoint rule, and what is beyond 6
  EXPECT_THAT(grid.out, HasSubstr("not estimated for the density at a time, --time"));
  ASSERT_EQ(run({"density", kModel, "--grid", "x1=-6:6:80", "--time", "0.5", "-o", file("m.h5"), "--quiet"}).code, 0);
  const auto marginal = Hdf5File::open(file("m.h5"));
  EXPECT_EQ(marginal.attribute<double>("time"), 0.5);
  EXPECT_NEAR(marginal.read_vector<double>("log_density").array().exp().sum() * 12 / 80, 1, 2e-3);
}

TEST_F(Equations, FaultsOfATimeAreNamed) {
  const auto points = put("x.csv", "0.5,-1\n");
  for (const std::string time : {"-0.1", "1.5", "nan", "inf"})
    EXPECT_THAT(says({"density", kModel, points, "--time=" + time}), HasSubstr("--time = ")) << time;
  EXPECT_THAT(says({"density", kModel, points, "--time", "0.5", "--error"}), HasSubstr("--error"));
  EXPECT_THAT(says({"density", kModel, points, "--time", "0.5", "--max-error", "1e-3"}), HasSubstr("--max-error"));
}

// l(t) and a(t) of the file against `density --time` of its own points, and differences of it.
TEST_F(Equations, TrajectoriesCarryTheLogDensityTheTraceAndTheAdjoint) {
  ASSERT_EQ(run({"sample", kModel, "-n", "70", "-o", file("s.h5"), "--trajectory", "3", "--log-density", "--adjoint",
                 "--precision", "double", "--rtol", "1e-9", "--atol", "1e-9"})
                .code,
            0);
  const auto drawn = Hdf5File::open(file("s.h5"));
  EXPECT_EQ(drawn.dataset("trajectory_log_density").shape(), (Hdf5Shape{3, 70}));
  EXPECT_EQ(drawn.dataset("trajectory_trace").shape(), (Hdf5Shape{3, 70}));
  EXPECT_EQ(drawn.dataset("trajectory_adjoint").shape(), (Hdf5Shape{3, 70, 2}));
  Matrix<double> x(2, 70), a(2, 70);
  RowVector<double> l(70), trace(70);
  drawn.dataset("trajectory").read_block<double>({1, 0, 0}, {1, 70, 2}, x.data());
  drawn.dataset("trajectory_adjoint").read_block<double>({1, 0, 0}, {1, 70, 2}, a.data());
  drawn.dataset("trajectory_log_density").read_block<double>({1, 0}, {1, 70}, l.data());
  drawn.dataset("trajectory_trace").read_block<double>({1, 0}, {1, 70}, trace.data());
  const auto flow = read_model<double>(kModel).flow;
  const EvaluationOptions fine{.solver = {.rtol = 1e-10, .atol = 1e-10}};
  const Matrix<double> none(0, 0);
  EXPECT_LT((flow.log_prob_at(0.5, x, none, fine).log_prob - l).cwiseAbs().maxCoeff(), 1e-6);
  for (Index i = 0; i < 2; ++i) {
    Matrix<double> above = x, below = x;
    above.row(i).array() += 1e-5, below.row(i).array() -= 1e-5;
    const RowVector<double> slope =
        (flow.log_prob_at(0.5, above, none, fine).log_prob - flow.log_prob_at(0.5, below, none, fine).log_prob) / 2e-5;
    EXPECT_LT((slope - a.row(i)).norm() / slope.norm(), 1e-4) << i;
  }
  EXPECT_TRUE(trace.allFinite());
  EXPECT_GT(trace.cwiseAbs().maxCoeff(), 0.01);
  RowVector<double> end(70);
  drawn.dataset("trajectory_log_density").read_block<double>({2, 0}, {1, 70}, end.data());
  EXPECT_EQ(Vector<double>(end.transpose()), drawn.read_vector<double>("log_density"));
  EXPECT_THAT(says({"sample", kModel, "-n", "5", "-o", file("t.h5"), "--adjoint"}), HasSubstr("--adjoint needs"));
}

TEST_F(Equations, TheResidualOfTheContinuityEquationIsSmall) {
  const auto flow = read_model<double>(kModel).flow;
  const Matrix<double> x = flow.sample(32, 1, {.density = false}).points;
  for (const double t : {0.0, 0.5, 1.0}) {
    const auto residual = continuity_residual({.flow = flow}, t, x, Matrix<double>(0, 0));
    EXPECT_LT(ninth_decile({residual.begin(), residual.end()}), 1e-6) << t;  // differences of fourth order at 2e-3
  }
}

TEST_F(Equations, TheFieldIsDrawnOverTheDensityWithItsResidualSlow) {
  ASSERT_EQ(run({"plot", kModel, "-o", file("f.svg"), "--field", "--residual", "--cells", "20"}).code, 0);
  const auto picture = get("f.svg");
  EXPECT_THAT(picture, HasSubstr("<svg"));
  EXPECT_THAT(says({"plot", kModel, "-o", file("g.svg"), "--residual"}), HasSubstr("--residual needs --field"));
  EXPECT_THAT(says({"plot", kSeen + "digits.h5", "-o", file("g.svg"), "--field"}), HasSubstr("64"));
  EXPECT_THAT(says({"plot", kModel, "-o", file("g.svg"), "--field", "--paths"}), HasSubstr("--paths"));
}

TEST_F(Equations, StudyWritesEveryChartAndFindsFirstOrderOfAResidualNetworkSlow) {
  const auto studied = run({"study", kModel, "-o", file("out/study"), "--points", "20", "--quiet"});
  ASSERT_EQ(studied.code, 0) << studied.err;
  for (const std::string name : {"error_against_nfe", "log_density_against_tolerance", "gradient_against_cost",
                                 "nfe_through_training", "residual_network"}) {
    EXPECT_THAT(get("out/study/" + name + ".csv"), testing::StartsWith("curve,")) << name;
    EXPECT_THAT(get("out/study/" + name + ".svg"), HasSubstr("<svg")) << name;
    EXPECT_GT(get("out/study/" + name + ".png").size(), 1000u) << name;
  }
  EXPECT_GT(get("out/study/study.png").size(), 1000u);
  // Euler's method has order 1, forwards and backwards.
  for (const std::string name : {"last state", "dL/dx, the adjoint", "dL/dtheta"}) {
    const auto at = studied.out.find("  " + name);
    ASSERT_NE(at, std::string::npos) << name;
    EXPECT_NEAR(std::stod(studied.out.substr(at + 26)), -1, 0.15) << name;  // K = 4 is not asymptotic yet
  }
  // Every stepper is there, and the discrete adjoint of dopri5 at 1e-8 is close to the exact gradient.
  for (const auto& stepper : stepper_names()) EXPECT_THAT(studied.out, HasSubstr("  " + stepper)) << stepper;
  std::istringstream rows(get("out/study/gradient_against_cost.csv"));
  double least = 1;
  for (std::string row; std::getline(rows, row);)
    if (row.starts_with("discrete,")) least = std::min(least, std::stod(row.substr(row.find(',', 9) + 1)));
  EXPECT_LT(least, 1e-6);
}

TEST_F(Equations, FaultsOfAStudyAreNamed) {
  EXPECT_THAT(says({"study", kModel, "-o", put("taken", "x")}), HasSubstr("is a file"));
  EXPECT_THAT(says({"study", kModel, "-o", file("s"), "--points", "1"}), HasSubstr("--points = 1"));
  EXPECT_THAT(says({"study", file("no.h5"), "-o", file("s")}), HasSubstr("no.h5"));
}

TEST_F(Equations, CompareTrainsEachMethodForItsSecondsSlow) {
  const auto r = run({"compare", "moons", "--methods", "flow_matching,planar", "--seconds", "1", "--json", "--quiet",
                      "-o", file("c")});
  ASSERT_EQ(r.code, 0) << r.err;
  const auto rows = nlohmann::json::parse(r.out);
  ASSERT_EQ(rows.size(), 2u);
  for (const auto& row : rows) {
    EXPECT_EQ(row["source"], "moons");
    EXPECT_GT(row["iterations"], 5);
    EXPECT_GT(row["cpu_seconds"].get<double>(), 0.3);
    EXPECT_LT(row["cpu_seconds"].get<double>(), 3);  // the test's own density is beyond the training
    EXPECT_GT(row["kl"].get<double>(), -0.05);
    EXPECT_LT(row["kl"].get<double>(), 2);  // a Gaussian's is 0.9
    EXPECT_GT(row["kl_error"].get<double>(), 0);
    EXPECT_GT(row["samples_per_second"].get<double>(), 100);
  }
  EXPECT_EQ(rows[1]["parameters"], 32 * 5);
  EXPECT_EQ(rows[1]["nfe"], 0);
  EXPECT_THAT(get("c/compare.csv"), testing::StartsWith("source,method,parameters"));
  EXPECT_THAT(get("c/densities.svg"), HasSubstr("<svg"));
}

TEST_F(Equations, CompareTakesARecipeAndATable) {
  const auto recipe = put("mine.toml", "[model]\nhidden = [8]\n[train]\nbatch = 32\n");
  const auto table = source_dir() + "/datasets/geyser.csv";
  const auto r = run({"compare", table, "--methods", recipe, "--seconds", "0.5", "--quiet"});
  ASSERT_EQ(r.code, 0) << r.err;
  EXPECT_THAT(r.out, HasSubstr("mine.toml | NLL "));
  EXPECT_THAT(says({"compare", "moons", "--methods", "vae"}),
              HasSubstr("cnf, potential, flow_matching, planar, realnvp, spline"));
  EXPECT_THAT(says({"compare", "moon", "--seconds", "1"}), HasSubstr("moon"));
  EXPECT_THAT(says({"compare", "moons", "--seconds", "0"}), HasSubstr("--seconds = 0"));
}

}  // namespace
}  // namespace pathline

// Models trained on columns within bounds and on columns that repeat: their mass is 1 inside, or over one period, by
// quadrature in one to three dimensions.
#include <cmath>
#include <limits>

#include <gmock/gmock.h>

#include "pathline/checkpoint/model.hpp"
#include "pathline/recipe/train_recipe.hpp"
#include "scratch.hpp"

namespace pathline {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// An efficiency piled up at 1, a mass above 60, and a correlated column without bounds.
class BoundedDensity : public Scratch, public ::testing::WithParamInterface<Index> {
 protected:
  Model<double> trained(Index dim, const std::string& precision = "double") const {
    Engine engine = make_stream(3, "bounded_density_test");
    const std::string names[] = {"efficiency", "mass", "x"};
    std::string text = names[0];
    for (Index i = 1; i < dim; ++i) text += "," + names[i];
    text += "\n";
    for (int row = 0; row < 400; ++row) {
      const double efficiency = std::pow(uniform(engine), 0.25), mass = 60 - 20 * std::log(uniform(engine));
      const double values[] = {efficiency, mass, normal(engine) + 0.05 * mass};
      for (Index i = 0; i < dim; ++i) text += (i ? "," : "") + std::to_string(values[i]);
      text += "\n";
    }
    put("t.csv", text);
    Recipe recipe;
    recipe.data.source = file("t.csv");
    recipe.data.bounds = {"efficiency=0:1"};
    if (dim > 1) recipe.data.bounds.push_back("mass=60:");
    recipe.model.network.hidden = {8};
    recipe.model.precision = precision == "float" ? Precision::float32 : Precision::float64;
    recipe.train.iterations = 40;
    train_recipe(recipe, {.directory = file("run"), .replace = true});
    return read_model<double>(file("run/model.h5"));
  }
};

// Nodes of one column with their weights: the trapezoid rule in a variable in which the density decays on both sides.
struct Nodes {
  std::vector<double> x, weight;

  static Nodes period(double start, double length) {
    Nodes out;
    constexpr int kCount = 64;
    for (int i = 0; i < kCount; ++i)
      out.x.push_back(start + length * i / kCount), out.weight.push_back(length / kCount);
    return out;
  }
  Nodes() = default;
  Nodes(double low, double high, double mean, double scale) {
    constexpr int kCount = 44;
    constexpr double kReach = 9;  // standard deviations of that variable
    const double step = 2 * kReach * scale / kCount;
    for (int i = 0; i <= kCount; ++i) {
      const double s = mean - kReach * scale + i * step;
      if (low == -kInfinity)
        x.push_back(s), weight.push_back(step);
      else if (high == kInfinity)
        x.push_back(low + std::exp(s)), weight.push_back(step * std::exp(s));
      else
        x.push_back(low + (high - low) / (1 + std::exp(-s))),
            weight.push_back(step * (high - low) / ((1 + std::exp(-s)) * (1 + std::exp(s))));
    }
  }
};

double mass(const Flow<double>& flow, const std::vector<Nodes>& nodes) {
  Index points = 1;
  for (const auto& n : nodes) points *= std::ssize(n.x);
  Matrix<double> x(flow.dim(), points);
  RowVector<double> weight = RowVector<double>::Ones(points);
  for (Index p = 0; p < points; ++p) {
    Index rest = p;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      const auto k = static_cast<std::size_t>(rest % std::ssize(nodes[i].x));
      x(static_cast<Index>(i), p) = nodes[i].x[k], weight[p] *= nodes[i].weight[k];
      rest /= std::ssize(nodes[i].x);
    }
  }
  const auto log_p = flow.log_prob(x, Matrix<double>(0, 0), {.solver = {.rtol = 1e-5, .atol = 1e-5}}).log_prob;
  return (log_p.array().exp() * weight.array()).sum();
}

TEST_P(BoundedDensity, HasMassOneInsideAndNoneOutside) {
  const auto flow = trained(GetParam()).flow;
  ASSERT_NE(flow.bounds(), nullptr);
  std::vector<Nodes> nodes;
  for (Index i = 0; i < flow.dim(); ++i)
    nodes.emplace_back(flow.bounds()->low()(i), flow.bounds()->high()(i), flow.mean()(i), flow.scale()(i));
  // The solves are within 1e-5, and the trapezoid rule with steps of 0.4 standard deviations too.
  EXPECT_NEAR(mass(flow, nodes), 1, 1e-4);

  const Matrix<double> samples = flow.sample(1000, 5).points;
  for (const bool inside : flow.bounds()->contains(samples)) EXPECT_TRUE(inside);
  Matrix<double> x = samples.leftCols(4);
  x(0, 1) = 1 + 1e-12, x(0, 2) = -1e-300, x(0, 3) = 1;
  if (flow.dim() > 1) x(0, 3) = 0.5, x(1, 3) = 60 - 1e-9;
  const auto log_p = flow.log_prob(x).log_prob;
  EXPECT_TRUE(std::isfinite(log_p[0]));
  for (Index i = 1; i < 4; ++i) EXPECT_EQ(log_p[i], -kInfinity) << i;
}

INSTANTIATE_TEST_SUITE_P(Dimensions, BoundedDensity, testing::Values(1, 2, 3));

// An angle about the seam at 0, of a von Mises distribution (Best and Fisher 1979), an efficiency and a free column.
class PeriodicDensity : public Scratch, public ::testing::WithParamInterface<Index> {
 protected:
  static constexpr double kConcentration = 3;

  static double von_mises(Engine& engine) {
    while (true) {  // rejection from the uniform distribution
      const double angle = uniform(engine, 0, 2 * M_PI);
      if (std::log(uniform(engine)) < kConcentration * (std::cos(angle) - 1)) return angle;
    }
  }
  Flow<double> trained(Index dim, Index rows, Index iterations, const std::vector<Index>& hidden = {16}) const {
    Engine engine = make_stream(4, "bounded_density_test");
    std::string text = dim == 1 ? "phi\n" : dim == 2 ? "phi,efficiency\n" : "phi,efficiency,x\n";
    for (Index row = 0; row < rows; ++row) {
      const double phi = von_mises(engine), efficiency = std::pow(uniform(engine), 0.5 + 0.2 * std::cos(phi));
      text += std::to_string(phi);
      if (dim > 1) text += "," + std::to_string(efficiency);
      if (dim > 2) text += "," + std::to_string(normal(engine) + 2 * std::sin(phi));
      text += "\n";
    }
    put("t.csv", text);
    Recipe recipe;
    recipe.data.source = file("t.csv");
    recipe.data.period = {"phi=2pi"};
    if (dim > 1) recipe.data.bounds = {"efficiency=0:1"};
    recipe.model.network.hidden = hidden;
    recipe.model.precision = Precision::float64;
    recipe.train.iterations = iterations;
    train_recipe(recipe, {.directory = file("run"), .replace = true});
    return read_model<double>(file("run/model.h5")).flow;
  }
};

TEST_P(PeriodicDensity, HasMassOneOverOnePeriodAndRepeats) {
  const auto flow = trained(GetParam(), 400, 40);
  ASSERT_NE(flow.periods(), nullptr);
  std::vector<Nodes> nodes = {Nodes::period(0, 2 * M_PI)};
  for (Index i = 1; i < flow.dim(); ++i)
    nodes.emplace_back(flow.bounds()->low()(i), flow.bounds()->high()(i), flow.mean()(i), flow.scale()(i));
  EXPECT_NEAR(mass(flow, nodes), 1, 1e-3);  // 64 nodes of one period

  const Matrix<double> x = flow.sample(200, 5).points;
  EXPECT_GE(x.row(0).minCoeff(), 0);
  EXPECT_LT(x.row(0).maxCoeff(), 2 * M_PI);
  Matrix<double> later = x;
  later.row(0).array() += 2 * M_PI;
  const Matrix<double> none(0, 0);
  const EvaluationOptions fine{.solver = {.rtol = 1e-9, .atol = 1e-9}};
  EXPECT_LT((flow.log_prob(later, none, fine).log_prob - flow.log_prob(x, none, fine).log_prob).cwiseAbs().maxCoeff(),
            1e-6);
  Matrix<double> seam = x.leftCols(2).col(0).replicate(1, 2);
  seam(0, 0) = 1e-7, seam(0, 1) = 2 * M_PI - 1e-7;
  const auto l = flow.log_prob(seam, none, fine).log_prob;
  EXPECT_NEAR(l[0], l[1], 1e-5);
}

INSTANTIATE_TEST_SUITE_P(Dimensions, PeriodicDensity, testing::Values(1, 2, 3));

TEST_F(PeriodicDensity, LearnsAPeakAtTheSeamSlow) {
  const auto flow = trained(1, 4000, 200, {32, 32});
  constexpr Index kNodes = 400;
  Matrix<double> x(1, kNodes);
  for (Index i = 0; i < kNodes; ++i) x(0, i) = 2 * M_PI * (static_cast<double>(i) + 0.5) / kNodes;
  const RowVector<double> log_p =
      kConcentration * x.row(0).array().cos() - std::log(2 * M_PI * std::cyl_bessel_i(0.0, kConcentration));
  const RowVector<double> log_q = flow.log_prob(x).log_prob;
  const double kl = 2 * M_PI / kNodes * (log_p.array().exp() * (log_p - log_q).array()).sum();
  EXPECT_LT(kl, 0.01);  // a sample of 3,200 rows gives two parameters to 2 / 6400 nats; the flow has more
}

// Near a bound the slope of the logit is large: the score against differences of the log-density.
TEST_F(BoundedDensity, HasTheScoreOfItsLogDensityNearABound) {
  const auto flow = trained(2).flow;
  const ScoreOptions fine{.solver = {.rtol = 1e-11, .atol = 1e-11}};
  const EvaluationOptions same{.solver = fine.solver};
  Matrix<double> x(2, 4);
  x << 0.5, 1 - 1e-4, 1e-4, 0.9, 80, 80, 60.001, 60.0005;
  const auto got = flow.score(x, Matrix<double>(0, 0), fine);
  for (Index b = 0; b < x.cols(); ++b)
    for (Index i = 0; i < 2; ++i) {
      const double distance = i == 0 ? std::min(x(0, b), 1 - x(0, b)) : x(1, b) - 60, h = 1e-4 * distance;
      Matrix<double> both = x.col(b).replicate(1, 2);
      both(i, 0) -= h, both(i, 1) += h;
      const auto l = flow.log_prob(both, Matrix<double>(0, 0), same).log_prob;
      const double slope = (l[1] - l[0]) / (2 * h);
      // 1e-11 of each solve over 2e-4 of the distance, and the square of 1e-4.
      EXPECT_NEAR(got.score(i, b) * distance, slope * distance, 1e-5) << i << " at " << x.col(b).transpose();
    }
  const Matrix<double> outside = Matrix<double>::Constant(2, 1, 2);
  EXPECT_TRUE(flow.score(outside).score.array().isNaN().all());
  EXPECT_EQ(flow.score(outside).log_prob[0], -kInfinity);
}

}  // namespace
}  // namespace pathline

// What the automatic choice makes of tables whose density is known: weights, bounds, periods, integers, conditions, each
// alone and all together.
#include <cmath>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "pathline/checkpoint/model.hpp"
#include "pathline/recipe/train_recipe.hpp"
#include "scratch.hpp"

namespace pathline {
namespace {

constexpr Index kRows = 6000;
// Estimating a density of a few parameters from that many rows costs a few hundredths of a nat at most.
constexpr double kLargestKl = 0.03;

double poisson_log_mass(double n, double mean) { return n * std::log(mean) - mean - std::lgamma(n + 1); }
double normal_log_density(double x, double mean, double scale) {
  return -0.5 * std::pow((x - mean) / scale, 2) - std::log(scale) - 0.5 * std::log(2 * M_PI);
}
double log_add(double a, double b) { return std::max(a, b) + std::log1p(std::exp(-std::abs(a - b))); }

double exponential(Engine& engine) { return -std::log(uniform(engine)); }
double poisson(Engine& engine, double mean) {
  double n = -1, sum = 0;
  while (sum < mean) sum += exponential(engine), ++n;
  return n;
}
// Of the wrapped normal distribution, whose density is a sum over turns.
double turned(double x) { return x - 2 * M_PI * std::floor(x / (2 * M_PI)); }
double wrapped_log_density(double x, double mean, double scale) {
  double sum = -INFINITY;
  for (int k = -3; k <= 3; ++k) sum = log_add(sum, normal_log_density(x + 2 * M_PI * k, mean, scale));
  return sum;
}

class AutomaticDensity : public Scratch {
 protected:
  // row: fills a row of the table.
  template <class F> Recipe table(const std::string& columns, Index dim, F row, Index rows = kRows) {
    Engine engine = make_stream(7, "automatic_density_test");
    std::string text = columns + "\n";
    Vector<double> values(dim);
    for (Index i = 0; i < rows; ++i) {
      row(engine, values);
      for (Index j = 0; j < dim; ++j) text += fmt::format("{}{}", j ? "," : "", values[j]);
      text += "\n";
    }
    Recipe recipe;
    recipe.data.source = put("t.csv", text);
    recipe.model.automatic = true, recipe.train.seconds = 5;
    return recipe;
  }
  Flow<double> trained(const Recipe& recipe) {
    train_recipe(recipe, {.directory = file("run"), .replace = true});
    return read_model<double>(file("run/model.h5")).flow;
  }
  static RowVector<double> log_prob(const Flow<double>& flow, const Matrix<double>& x,
                                    const Matrix<double>& c = Matrix<double>(0, 0)) {
    return flow.log_prob(x, c).log_prob;
  }
  // The log-probability of the integer in one row of each point: a midpoint rule over its cell.
  static RowVector<double> log_mass(const Flow<double>& flow, const Matrix<double>& x, Index integer,
                                    const Matrix<double>& c = Matrix<double>(0, 0)) {
    constexpr int kNodes = 32;
    RowVector<double> sum = RowVector<double>::Zero(x.cols());
    for (int k = 0; k < kNodes; ++k) {
      Matrix<double> at = x;
      at.row(integer).array() += (k + 0.5) / kNodes;
      sum.array() += log_prob(flow, at, c).array().exp() / kNodes;
    }
    return sum.array().log();
  }
  // The mean of log_density - log_prob over draws.
  template <class F, class G> static double kl(Index dim, F draw, G log_density, const RowVector<double>& by_model) {
    Engine engine = make_stream(8, "automatic_density_test");
    Vector<double> values(dim);
    double sum = 0;
    for (Index i = 0; i < by_model.size(); ++i) {
      draw(engine, values);
      sum += log_density(values) - by_model[i];
    }
    return sum / static_cast<double>(by_model.size());
  }
  template <class F> static Matrix<double> draws(Index dim, F draw, Index n = 4000) {
    Engine engine = make_stream(8, "automatic_density_test");
    Matrix<double> out(dim, n);
    Vector<double> values(dim);
    for (Index i = 0; i < n; ++i) draw(engine, values), out.col(i) = values;
    return out;
  }
};

// The rows are twice as wide as the distribution that they are weighted to: it was the unweighted one, 3.2 nats off.
TEST_F(AutomaticDensity, OfAWeightedChainIsThatOfItsWeightsSlow) {
  auto recipe = table("a,b,weight", 3, [](Engine& e, Vector<double>& v) {
    const double x = 2 * normal(e), y = 2 * normal(e);
    v << x, y + 0.5 * x, std::exp(-0.375 * (x * x + y * y));
  });
  recipe.data.reading.weights = "weight";
  const auto flow = trained(recipe);
  const auto draw = [](Engine& e, Vector<double>& v) { v << normal(e), 0.5 * v[0] + normal(e); };
  const auto log_density = [](const Vector<double>& v) {
    return normal_log_density(v[0], 0, 1) + normal_log_density(v[1], 0.5 * v[0], 1);
  };
  EXPECT_LT(kl(2, draw, log_density, log_prob(flow, draws(2, draw))), kLargestKl);
}

TEST_F(AutomaticDensity, OfAnExponentialWithItsBoundEndsThereSlow) {
  const auto draw = [](Engine& e, Vector<double>& v) { v << exponential(e); };
  auto recipe = table("x", 1, draw);
  recipe.data.bounds = {"x=0:"};
  const auto flow = trained(recipe);
  EXPECT_LT(kl(1, draw, [](const auto& v) { return -v[0]; }, log_prob(flow, draws(1, draw))), kLargestKl);
  const auto outside = log_prob(flow, Matrix<double>{{-1e-9, -1, -40}});
  EXPECT_EQ(outside.maxCoeff(), -INFINITY);
  const RowVector<double> s = RowVector<double>::LinSpaced(2001, -18, 10);  // x = e^s
  const RowVector<double> p = log_prob(flow, s.array().exp().matrix()).array().exp() * s.array().exp();
  EXPECT_NEAR(p.sum() * (s[1] - s[0]), 1, 1e-4);
}

TEST_F(AutomaticDensity, OfATruncatedNormalEndsAtBothBoundsSlow) {
  const auto draw = [](Engine& e, Vector<double>& v) {
    do v << 0.3 + 0.5 * normal(e);
    while (!(v[0] > 0 && v[0] < 1));
  };
  auto recipe = table("x", 1, draw);
  recipe.data.bounds = {"x=0:1"};
  const auto flow = trained(recipe);
  const auto below = [](double x) { return 0.5 * std::erfc((0.3 - x) / 0.5 / std::sqrt(2)); };
  const auto log_density = [&](const auto& v) {
    return normal_log_density(v[0], 0.3, 0.5) - std::log(below(1) - below(0));
  };
  EXPECT_LT(kl(1, draw, log_density, log_prob(flow, draws(1, draw))), kLargestKl);
  EXPECT_EQ(log_prob(flow, Matrix<double>{{-1e-9, 1 + 1e-9, 7}}).maxCoeff(), -INFINITY);
  const RowVector<double> s = RowVector<double>::LinSpaced(2001, -16, 16), x = 1 / (1 + (-s).array().exp());
  const RowVector<double> p = log_prob(flow, x).array().exp() * x.array() * (1 - x.array());
  EXPECT_NEAR(p.sum() * (s[1] - s[0]), 1, 1e-4);
}

TEST_F(AutomaticDensity, OfAnAngleIsContinuousAndNormalizedOverItsPeriodSlow) {
  const auto draw = [](Engine& e, Vector<double>& v) { v << turned(0.4 + 0.8 * normal(e)); };
  auto recipe = table("phi", 1, draw);
  recipe.data.period = {"phi=2pi"};
  const auto flow = trained(recipe);
  const auto log_density = [](const auto& v) { return wrapped_log_density(v[0], 0.4, 0.8); };
  EXPECT_LT(kl(1, draw, log_density, log_prob(flow, draws(1, draw))), kLargestKl);
  const Index n = 1024;
  const RowVector<double> phi = RowVector<double>::LinSpaced(n + 1, 0, 2 * M_PI).head(n);
  EXPECT_NEAR(log_prob(flow, phi).array().exp().mean() * 2 * M_PI, 1, 1e-5);
  const auto seam = log_prob(flow, Matrix<double>{{1e-8, 2 * M_PI - 1e-8}});
  EXPECT_NEAR(seam[0], seam[1], 1e-6);
}

TEST_F(AutomaticDensity, OfIntegersIsTheirMassSlow) {
  const auto draw = [](Engine& e, Vector<double>& v) { v << poisson(e, 3); };
  auto recipe = table("n", 1, draw);
  recipe.data.reading.discrete = {"n"}, recipe.data.bounds = {"n=0:"};
  const auto flow = trained(recipe);
  const auto log_density = [](const auto& v) { return poisson_log_mass(v[0], 3); };
  EXPECT_LT(kl(1, draw, log_density, log_mass(flow, draws(1, draw), 0)), kLargestKl);
  const auto all = log_mass(flow, RowVector<double>::LinSpaced(61, -20, 40), 0);
  EXPECT_NEAR(all.array().exp().sum(), 1, 2e-3);  // the rule in the first cell
}

// y has two branches, whose shares, places and widths depend on x.
TEST_F(AutomaticDensity, OfTwoBranchesGivenAConditionIsTheConditionalSlow) {
  const auto share = [](double x) { return 1 / (1 + std::exp(-2 * x)); };
  const auto place = [](double x) { return 1 + 0.5 * std::sin(2 * x); };
  const auto width = [](double x) { return 0.2 + 0.025 * x * x; };
  const auto draw = [&](Engine& e, Vector<double>& v) {
    const double x = 4 * uniform(e) - 2;
    v << (uniform(e) < share(x) ? 1 : -1) * place(x) + width(x) * normal(e), x;
  };
  auto recipe = table("y,x", 2, draw);
  recipe.data.reading.condition = {"x"};
  const auto flow = trained(recipe);
  const auto log_density = [&](const auto& v) {
    const double q = share(v[1]), m = place(v[1]), s = width(v[1]);
    return log_add(std::log(q) + normal_log_density(v[0], m, s), std::log(1 - q) + normal_log_density(v[0], -m, s));
  };
  const Matrix<double> test = draws(2, draw);
  EXPECT_LT(kl(2, draw, log_density, log_prob(flow, test.topRows(1), test.bottomRows(1))), kLargestKl);
}

// All of it in one table: a weight, a mass above 60, an angle and a count, each of which depends on the condition. 6,000
// rows choose four components and are 0.036 nats off.
TEST_F(AutomaticDensity, OfATableWithAllOfTheseSlow) {
  const auto draw = [](Engine& e, Vector<double>& v) {
    const double energy = 3 * uniform(e);
    v << 60 + (10 + 5 * energy) * exponential(e), turned(energy + normal(e)), poisson(e, 1 + energy), energy,
        0.5 + uniform(e);
  };
  auto recipe = table("mass,phi,n,energy,w", 5, draw, 20000);
  recipe.data.reading.weights = "w", recipe.data.reading.condition = {"energy"};
  recipe.data.reading.discrete = {"n"}, recipe.data.bounds = {"mass=60:", "n=0:"}, recipe.data.period = {"phi=2pi"};
  const auto flow = trained(recipe);
  const auto log_density = [](const auto& v) {
    const double scale = 10 + 5 * v[3];
    return -(v[0] - 60) / scale - std::log(scale) + wrapped_log_density(v[1], v[3], 1) +
           poisson_log_mass(v[2], 1 + v[3]);
  };
  const Matrix<double> test = draws(5, draw);
  EXPECT_LT(kl(5, draw, log_density, log_mass(flow, test.topRows(3), 2, test.row(3))), kLargestKl);
  const Matrix<double> outside{{59.9, 70}, {1, 1}, {2, -0.5}};
  EXPECT_EQ(log_prob(flow, outside, Matrix<double>::Ones(1, 2)).maxCoeff(), -INFINITY);
  const Matrix<double> seam{{70, 70}, {1e-8, 2 * M_PI - 1e-8}, {2.5, 2.5}};
  const auto sides = log_prob(flow, seam, Matrix<double>::Ones(1, 2));
  EXPECT_NEAR(sides[0], sides[1], 1e-5);
}

}  // namespace
}  // namespace pathline

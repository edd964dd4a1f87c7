#include "train/heavy_tail.hpp"

#include <cmath>
#include <functional>

#include <gtest/gtest.h>

namespace pathline {
namespace {

using Draw = std::function<double(Engine&)>;

using Weight = std::function<double(double, Engine&)>;  // of a row with this value in its first column

// Of twenty tables the number in which a column looks like one of infinite variance.
int found(Index columns, Index rows, const Draw& draw, const Weight& weight = nullptr) {
  int count = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Engine engine = make_stream(seed, "test.tail");
    BaseRows table;
    table.training.resize(columns, rows);
    for (double& x : table.training.reshaped()) x = draw(engine);
    if (weight) {
      table.training_weights.resize(rows);
      for (Index b = 0; b < rows; ++b) table.training_weights[b] = weight(table.training(0, b), engine);
    }
    count += has_heavy_tail(table);
  }
  return count;
}

double normal(Engine& e) {
  Matrix<double> z(1, 1);
  fill_normal<double>(e, z);
  return z(0, 0);
}
double exponential(Engine& e) { return -std::log(1 - uniform(e)); }
Draw pareto(double power) {
  return [power](Engine& e) { return std::pow(1 - uniform(e), -1 / power); };
}
Draw student(int degrees) {
  return [degrees](Engine& e) {
    double squares = 0;
    for (int i = 0; i < degrees; ++i) squares += std::pow(normal(e), 2);
    return normal(e) / std::sqrt(squares / degrees);
  };
}

TEST(HeavyTail, APowerOfInfiniteVarianceIsFound) {
  EXPECT_GE(found(1, 4000, pareto(1.1)), 19);
  EXPECT_GE(found(1, 4000, [](Engine& e) { return -pareto(1.1)(e); }), 19);
  EXPECT_GE(found(1, 4000, student(1)), 19);
  EXPECT_GE(found(1, 4000, pareto(1.5)), 14);
  EXPECT_GE(found(1, 500, pareto(1.1)), 12);  // 22 rows in the outermost part
}

// Of tables of 20 exponential columns 82 % were taken for tables of infinite variance, and of 10 of Student's t 76 %.
TEST(HeavyTail, ColumnsOfFiniteVarianceAreNot) {
  for (const Index rows : {500, 4000}) {
    EXPECT_EQ(found(20, rows, exponential), 0) << rows;
    EXPECT_EQ(found(10, rows, student(5)), 0) << rows;
    EXPECT_EQ(found(5, rows, student(3)), 0) << rows;
    EXPECT_LE(found(1, rows, [](Engine& e) { return std::exp(normal(e)); }), 1) << rows;  // three in a hundred
    EXPECT_EQ(found(3, rows, [](Engine& e) { return std::round(normal(e)); }), 0) << rows;
  }
}

// A second Gaussian far away is what a mixture represents exactly.
TEST(HeavyTail, ARareClusterIsNot) {
  for (const double distance : {10.0, 100.0, 1e4})
    for (const double share : {1e-3, 0.01, 0.1}) {
      const auto draw = [&](Engine& e) { return (uniform(e) < share ? distance : 0) + normal(e); };
      EXPECT_EQ(found(1, 4000, draw), 0) << share << " at " << distance;
      EXPECT_LE(found(1, 500, draw), 1) << share << " at " << distance;
    }
}

TEST(HeavyTail, AConditionDoesNotCount) {
  BaseRows rows;
  rows.training.resize(2, 4000);
  Engine engine = make_stream(1, "test.tail");
  for (Index b = 0; b < 4000; ++b) rows.training.col(b) << pareto(1.1)(engine), normal(engine);
  EXPECT_TRUE(has_heavy_tail(rows));
  rows.condition_dim = 1;
  EXPECT_FALSE(has_heavy_tail(rows));
}

// Tables with weights got no check at all.
TEST(HeavyTail, TheTailOfWeightedRowsIsThatOfTheirDensitySlow) {
  const auto any = [](double, Engine& e) { return 0.2 + uniform(e); };
  const auto copies = [](double, Engine& e) { return std::floor(1 + 3 * exponential(e)); };  // of a Metropolis chain
  const auto decades = [](double, Engine& e) { return std::exp(normal(e)); };
  EXPECT_EQ(found(1, 4000, pareto(1.1), [](double, Engine&) { return 1e-3; }), found(1, 4000, pareto(1.1)));
  for (const Weight& weight : {Weight(any), Weight(copies)}) {
    EXPECT_GE(found(1, 4000, pareto(1.1), weight), 18);
    EXPECT_GE(found(1, 4000, student(1), weight), 18);
    EXPECT_EQ(found(4, 4000, exponential, weight), 0);
    EXPECT_EQ(found(4, 4000, student(5), weight), 0);
  }
  EXPECT_GE(found(1, 8000, pareto(1.1), decades), 15);  // an effective number of 3,000
  EXPECT_LE(found(3, 8000, student(5), decades), 1);
  // The rows are heavy and their density is not: of the power 4, normal, and with a cut.
  EXPECT_EQ(found(1, 20000, pareto(1.5), [](double x, Engine&) { return std::pow(x, -2.5); }), 0);
  EXPECT_EQ(found(1, 20000, student(1), [](double x, Engine&) { return (1 + x * x) * std::exp(-x * x / 2); }), 0);
  EXPECT_EQ(found(1, 4000, pareto(1.1), [](double x, Engine&) { return x < 3 ? 1.0 : 0.0; }), 0);
  // The other way round.
  EXPECT_GE(found(1, 20000, pareto(2), [](double x, Engine&) { return std::pow(x, 0.8); }), 16);
  EXPECT_EQ(found(1, 20000, normal, [](double x, Engine&) { return std::exp(x * x / 4); }), 0);  // few rows decide
}

TEST(HeavyTail, FewRowsOrOneValueHaveNone) {
  for (const Index rows : {0, 1, 2, 3, 5, 20}) {
    BaseRows table;
    table.training.setOnes(1, rows);
    EXPECT_FALSE(has_heavy_tail(table)) << rows;
  }
}

}  // namespace
}  // namespace pathline

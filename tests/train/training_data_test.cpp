#include "pathline/train/training_data.hpp"

#include <cmath>
#include <set>

#include <gmock/gmock.h>

#include "message.hpp"

namespace pathline {
namespace {

using testing::ElementsAre;

// Column i is (i, -i); its condition is (2 i, 3 i), its weight i.
struct Numbers {
  Matrix<double> x = Matrix<double>(2, 100), c = Matrix<double>(2, 100);
  RowVector<double> w = RowVector<double>::LinSpaced(100, 0, 99);
  Numbers() { x << w, -w, c << 2 * w, 3 * w; }
};

TEST(MatrixData, OptionsGiveConditionWeightsNamesAndSplit) {
  const Numbers n;
  const auto data = matrix_data(n.x, {.condition = n.c,
                                      .weights = n.w,
                                      .columns = {"a", "b"},
                                      .condition_columns = {"p", "q"},
                                      .validation_fraction = 0.2,
                                      .test_fraction = 0.3,
                                      .seed = 5});
  EXPECT_THAT(data.columns(), ElementsAre("a", "b"));
  EXPECT_THAT(data.condition_columns(), ElementsAre("p", "q"));
  ASSERT_EQ(data.validation().x.cols(), 20);
  ASSERT_EQ(data.test().x.cols(), 30);
  ASSERT_EQ(data.validation_weights().size(), 20);
  for (Index i = 0; i < 20; ++i) {  // each sample keeps its condition and its weight
    const double value = data.validation().x(0, i);
    EXPECT_EQ(data.validation_weights()(i), value);
    EXPECT_EQ(data.validation().c.col(i), Eigen::Vector2d(2 * value, 3 * value));
  }
  EXPECT_EQ(matrix_data(n.x, {.seed = 5}).validation().x, matrix_data(n.x, {.seed = 5}).validation().x);
  EXPECT_NE(matrix_data(n.x, {.seed = 5}).validation().x, matrix_data(n.x, {.seed = 6}).validation().x);
  EXPECT_EQ(matrix_data(n.x, n.c, {.seed = 5}).validation().c,
            matrix_data(n.x, {.condition = n.c, .seed = 5}).validation().c);
}

TEST(MatrixData, BatchesAreDrawnByTheWeights) {
  Numbers n;
  n.w.setZero(), n.w.rightCols(50).setOnes();
  const auto batch = matrix_data(n.x, {.weights = n.w, .validation_fraction = 0, .test_fraction = 0}).batch(0, 1000);
  EXPECT_GE(batch.x.row(0).minCoeff(), 50);
  EXPECT_EQ(batch.weights.size(), 0);  // they are drawn by weight already
}

TEST(MatrixData, AGroupGoesToOnePart) {
  const Numbers n;
  std::vector<Index> groups;
  for (Index i = 0; i < 100; ++i) groups.push_back(i / 4);
  const auto data = matrix_data(n.x, {.groups = groups});
  std::set<Index> seen;
  Index rows = 0;
  for (const auto& part : {data.training()->x, data.validation().x, data.test().x}) {
    std::set<Index> here;
    for (Index i = 0; i < part.cols(); ++i) here.insert(static_cast<Index>(part(0, i)) / 4);
    for (const Index group : here) EXPECT_TRUE(seen.insert(group).second) << group;
    rows += part.cols();
  }
  EXPECT_EQ(rows, 100);
  EXPECT_EQ(message([&] {
              (void)matrix_data(n.x, {.groups = {1, 2}});
            }),
            "groups: 2 numbers and 100 rows; expected one for each row");
}

TEST(MatrixData, PartsHaveNamesToo) {
  const Numbers n;
  using Points = TrainingData::Points;
  const Points all{n.x, n.c}, none;
  const auto data = matrix_data(all, none, none, {.columns = {"a", "b"}});
  EXPECT_THAT(data.columns(), ElementsAre("a", "b"));
  EXPECT_THAT(data.condition_columns(), ElementsAre("c1", "c2"));
  EXPECT_EQ(message([&] { (void)matrix_data(all, none, none, {.weights = n.w}); }),
            "weights: apply to one matrix; parts have none");
  EXPECT_EQ(message([&] { (void)matrix_data(all, none, none, {.condition = n.c}); }),
            "condition: each of the parts has its own");
}

TEST(MatrixData, WhatDoesNotFitTheMatrixIsNamed) {
  const Numbers n;
  const auto refused = [&](const MatrixDataOptions& options) {
    return message([&] { (void)matrix_data(n.x, options); });
  };
  EXPECT_EQ(refused({.condition = n.c.leftCols(99)}),
            "data: 100 samples and 99 conditions; expected one condition for each sample");
  EXPECT_EQ(refused({.weights = n.w.head(99)}), "99 weights and 100 rows; expected one weight for each row");
  EXPECT_EQ(refused({.weights = -n.w}), "row 2, weight = -1: must be finite and >= 0");
  EXPECT_EQ(refused({.weights = std::nan("") * n.w}), "row 1, weight = nan: must be finite and >= 0");
  EXPECT_EQ(refused({.weights = RowVector<double>::Zero(100)}), "training: every row has the weight 0");
  EXPECT_EQ(refused({.columns = {"a"}}), "columns: 1 names; the matrix has 2 rows");
  EXPECT_EQ(refused({.condition_columns = {"a"}}), "condition_columns: 1 names; the matrix has 0 rows");
  EXPECT_EQ(refused({.columns = {"a", "a"}}), "columns: 'a' names two columns; each needs a name of its own");
  EXPECT_EQ(refused({.condition = n.c, .condition_columns = {"x1", "q"}}),
            "columns: 'x1' names two columns; each needs a name of its own");
  EXPECT_EQ(message([&] { (void)matrix_data(n.x, n.c, {.condition = n.c}); }),
            "condition: is given as an argument and as an option");
  Matrix<double> bad = n.x;
  bad(1, 2) = std::nan("");
  EXPECT_EQ(message([&] {
              (void)matrix_data(bad, {.columns = {"a", "b"}});
            }),
            "row 3, column 2 (\"b\") = nan: must be finite");
  EXPECT_NE(refused({.discrete = {"y"}}), "no error");
  EXPECT_NE(refused({.logit = 0.1}), "no error");  // the data are not in [0, 1]
}

// It took minutes: 4000 evaluations a point. Now against them, for a few points of every toy and both of its columns.
TEST(TrainingData, ConditionalDensityOfAToyIsTabulated) {
  for (const auto& name : toy_names())
    for (const char* condition : {"x1", "x2"}) {
      const TrainingData data(
          make_source(find_toy(name), {.validation_size = name == "2spirals" ? 10 : 40, .test_size = 0}),
          {.condition = {condition}});
      const auto& points = data.validation();
      const auto got = *data.log_density(points);
      const Index row = condition[1] - '1', n = 4096;  // cells of 1/256
      for (Index b = 0; b < points.x.cols(); ++b) {
        Matrix<double> line(2, n + 1);
        line.row(row).setConstant(points.c(0, b));
        for (Index i = 0; i < n; ++i) line(1 - row, i) = -8 + static_cast<double>(i) / 256;
        line(1 - row, n) = points.x(0, b);
        const RowVector<double> l = find_toy(name).log_density(line);
        const double expected = l[n] - std::log(l.head(n).array().exp().sum() / 256);
        // Interpolation's error; pinwheel has folds, where its density is not smooth.
        EXPECT_NEAR(got[b], expected, name == "pinwheel" ? 1e-6 : 1e-8)
            << name << " given " << condition << " = " << points.c(0, b);
      }
    }
}

TEST(TrainingData, ConditionalDensityOfNoPointsIsEmpty) {
  const TrainingData data(make_source(find_toy("checkerboard"), {.validation_size = 0, .test_size = 0}),
                          {.condition = {"x1"}});
  EXPECT_EQ(data.log_density(data.test())->size(), 0);
}

}  // namespace
}  // namespace pathline

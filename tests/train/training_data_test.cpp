#include "pathline/train/training_data.hpp"

#include <cmath>
#include <limits>
#include <set>

#include <gmock/gmock.h>

#include "message.hpp"

#include "message.hpp"
#include "pathline/field/mlp.hpp"

namespace pathline {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

// Column i is (i, -i); its condition is (2 i, 3 i), its weight i.
struct Numbers {
  Matrix<double> x = Matrix<double>(2, 100), c = Matrix<double>(2, 100);
  RowVector<double> w = RowVector<double>::LinSpaced(100, 0, 99);
  Numbers() { x << w, -w, c << 2 * w, 3 * w; }
};

// Both ends of the range were 1e+09.
TEST(MatrixData, TheSummaryTellsTheEndsOfANarrowRangeApart) {
  const Matrix<double> x = 1e9 + 1e-3 * RowVector<double>::LinSpaced(100, 0, 1).array();
  EXPECT_THAT(matrix_data(x).summary(), HasSubstr("x1 in [1000000000, 1000000000.001]"));
  EXPECT_THAT(matrix_data(Numbers().x).summary(), HasSubstr("x1 in [0, 99], x2 in [-99, "));
}

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

// Noise of width 1 was added to them without a word, and `density` called the result probabilities of integers.
TEST(MatrixData, FractionsAreNoDiscreteColumn) {
  Matrix<double> x = Matrix<double>::Zero(2, 100);
  for (Index i = 0; i < 100; ++i) x.col(i) << static_cast<double>(i % 7), static_cast<double>(i * i % 11);
  (void)matrix_data(x, {.discrete = {"x1", "x2"}});
  x.row(1) /= 10;
  EXPECT_THAT(message([&] { (void)matrix_data(x, {.discrete = {"x1", "x2"}}); }),
              AllOf(HasSubstr("discrete: "), HasSubstr("column x2: "), HasSubstr(": must be an integer; divide")));
}

// It took minutes: 4000 evaluations a point. Now against them, for a few points of every toy and both of its columns.
TEST(TrainingData, ConditionalDensityOfAToyIsTabulatedSlow) {
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

constexpr double kInfinity = std::numeric_limits<double>::infinity();

DataSplit split_of(Matrix<double> train) {
  const Matrix<double> none(train.rows(), 0);
  return {.train = std::move(train), .validation = none, .test = none, .columns = {"mass", "efficiency"}};
}

TrainingData bounded(const Matrix<double>& train, TrainingDataOptions options) {
  return TrainingData(make_source(split_of(train)), options);
}

// The standardizer was of the data, and not of what the flow sees.
TEST(TrainingData, TheStandardizerIsOfTheBoundedColumnsImages) {
  Matrix<double> x(2, 3);
  x << 61, 60 + std::exp(1.0), 60 + std::exp(2.0), 0.25, 0.5, 0.75;
  const auto data = bounded(x, {.bounds = {{"mass", 60, kInfinity}, {"efficiency", 0, 1}}});
  EXPECT_NEAR(data.standardizer().mean(0), 1, 1e-12);  // logarithms 0, 1 and 2
  EXPECT_NEAR(data.standardizer().scale(0), std::sqrt(2.0 / 3), 1e-12);
  EXPECT_NEAR(data.standardizer().mean(1), 0, 1e-12);
  EXPECT_TRUE(data.notes().empty());
  const auto raw = bounded(x, {.standardize = false, .bounds = {{"1", 60, kInfinity}}});  // by its number
  EXPECT_EQ(raw.standardizer().mean(0), 0);
  EXPECT_EQ(raw.bounds()->low()(0), 60);
}

TEST(TrainingData, DataOutsideOfTheirBoundsAreRefusedByColumn) {
  Matrix<double> x(2, 3);
  x << 61, 59, 62, 0.25, 0.5, 0.75;
  const auto refused = [&](TrainingDataOptions options) { return message([&] { bounded(x, options); }); };
  EXPECT_EQ(refused({.bounds = {{"mass", 60, kInfinity}}}), "bounds: column mass: 59 is outside of 60:inf");
  EXPECT_EQ(refused({.bounds = {{"mas", 0, 1}}, .name = "t.csv"}),
            "bounds: t.csv has no column 'mas' to model; did you mean 'mass'?");
  EXPECT_EQ(refused({.condition = {"mass"}, .bounds = {{"mass", 0, 1}}, .name = "t.csv"}),
            "bounds: column 'mass' is a condition; only columns to model have bounds and periods");
  EXPECT_EQ(refused({.bounds = {{"mass", 0, 99}}, .logit = 0.1}),
            "bounds: bounds and periods cannot be combined with logit; give every column its bounds");
}

// An efficiency of exactly 1, rounded, had a density of 0, and the likelihood had no maximum.
TEST(TrainingData, ValuesOnABoundStandForValuesInside) {
  Matrix<double> x(2, 4);
  x << 61, 62, 63, 64, 0.75, 0.875, 1, 0.5;
  const auto data = bounded(x, {.bounds = {{"efficiency", 0, 1}}, .name = "t.csv"});
  EXPECT_EQ(data.bounds()->inset()(1), 0.0625);
  ASSERT_EQ(data.notes().size(), 1);
  EXPECT_EQ(
      data.notes()[0],
      "t.csv: 1 of 4 values of column efficiency lie exactly on a bound; they are taken as 0.0625 inside it (half "
      "of the distance of the nearest other value); so many are a point mass, which has no density: consider "
      "leaving them out");
  EXPECT_TRUE(std::isfinite(data.standardizer().mean(1)));
  x.row(1) << 0, 1, 1, 0;
  EXPECT_EQ(message([&] {
              bounded(x, {.bounds = {{"efficiency", 0, 1}}});
            }),
            "bounds: all values of column efficiency are its bounds, where there is no density");
}

// The insets were read from memory that had been freed, when another column was periodic (AddressSanitizer).
TEST(TrainingData, ValuesOnABoundStandForValuesInsideBesideAPeriodicColumn) {
  Matrix<double> x(2, 4);
  x << 0.75, 0.875, 1, 0.5, 61, 120, 300, 200;
  const auto data = bounded(x, {.bounds = {{"mass", 0, 1}}, .period = {{"efficiency", 360}}});
  EXPECT_EQ(data.bounds()->inset()(0), 0.0625);
  EXPECT_EQ(data.bounds()->inset()(1), 0);
}

// Angles near the seam: nearly all of them have one image, at the other side of the seam or at this.
TEST(TrainingData, APeriodicColumnIsUnfoldedAboutItsData) {
  Matrix<double> x(2, 200);
  for (Index i = 0; i < 200; ++i) {
    const double angle = 0.3 * std::sin(static_cast<double>(i));
    x(0, i) = angle < 0 ? angle + 360 : angle, x(1, i) = static_cast<double>(i * i);
  }
  const auto data = bounded(x, {.period = {{"mass", 360}}, .name = "t.csv"});
  EXPECT_TRUE(data.notes().empty());
  EXPECT_EQ(data.periods()->start()(0), 0);
  EXPECT_NEAR(data.bounds()->high()(0) - data.bounds()->low()(0), 540, 1e-9);
  EXPECT_EQ(data.bounds()->high()(1), kInfinity);
  const auto batch = data.batch(0, 200).x;
  EXPECT_LT(batch.row(0).maxCoeff() - batch.row(0).minCoeff(), 1);

  x.row(0).array() -= 180;
  EXPECT_EQ(bounded(x, {.period = {{"mass", 360}}}).periods()->start()(0), -180);
  EXPECT_EQ(bounded(x, {.period = {{"mass", 360, 0.0}}, .name = "t.csv"}).notes(),
            std::vector<std::string>{"101 of 200 training values of column mass lie outside of one period [0, 360) and "
                                     "are moved into it; check the unit of the period"});
  EXPECT_EQ(message([&] {
              bounded(x, {.bounds = {{"mass", -180, 180}}, .period = {{"mass", 360}}});
            }),
            "period: column mass has bounds; a periodic column has none");
  EXPECT_EQ(message([&] {
              bounded(x, {.condition = {"mass"}, .period = {{"mass", 360}}});
            }),
            "period: column 'mass' is a condition; only columns to model have bounds and periods");
}

// Columns of correlation 1 - 1e-10 were 4.5 nats off: the Gaussian base alone now has the entropy of their
// distribution.
TEST(TrainingData, NearlyCollinearColumnsAreTakenApart) {
  Matrix<double> z(2, 20000);
  Engine engine = make_stream(1, "training_data_test");
  fill_normal<double>(engine, z);
  const double correlation = 1 - 1e-10, width = std::sqrt(1 - correlation * correlation);
  Matrix<double> x = z;
  x.row(1) = correlation * z.row(0) + width * z.row(1);
  const auto data = bounded(x, {.name = "t.csv"});
  ASSERT_EQ(data.notes().size(), 1);
  EXPECT_TRUE(data.notes()[0].starts_with("t.csv: column efficiency is nearly a linear function of columns before it"));
  auto field = std::make_shared<Mlp<float>>(MlpOptions{.dim = 2, .hidden = {4}});  // zero: the flow is its base
  Flow<float> flow{Cnf<float>(field)};
  data.set_units(flow);
  const auto log_p = flow.log_prob(x).log_prob;
  const RowVector<double> exact = (-0.5 * z.colwise().squaredNorm()).array() - std::log(2 * M_PI * width);
  // The moments of 16,384 rows: 5 parameters to 1e-2 of a standard deviation, at up to 4 of them.
  EXPECT_LT((log_p - exact).cwiseAbs().maxCoeff(), 0.3);
  EXPECT_NEAR(log_p.mean(), exact.mean(), 1e-3);
  EXPECT_TRUE(bounded(x, {.standardize = false}).notes().empty());
}

// Counts 0 ... 4 with noise fill [0, 5).
TEST(TrainingData, TheUpperBoundOfADiscreteColumnLeavesRoomForItsNoise) {
  Matrix<double> x(2, 50);
  for (Index i = 0; i < 50; ++i) x(0, i) = static_cast<double>(i % 5), x(1, i) = static_cast<double>(i * i);
  const auto data = bounded(x, {.discrete = {"mass"}, .bounds = {{"mass", 0, 4}}});
  EXPECT_EQ(data.bounds()->high()(0), 5);
  EXPECT_GT(data.batch(0, 50).x.row(0).maxCoeff(), 4);
}

}  // namespace
}  // namespace pathline

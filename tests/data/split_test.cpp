#include "pathline/data/split.hpp"

#include <limits>
#include <vector>

#include <gmock/gmock.h>

#include "message.hpp"
#include "pathline/core/error.hpp"

namespace pathline {
namespace {

using testing::HasSubstr;

// Sample n is (n, -n).
Matrix<double> numbered_rows(Index n) {
  Matrix<double> x(2, n);
  x.row(0).setLinSpaced(n, 0, static_cast<double>(n - 1));
  x.row(1) = -x.row(0);
  return x;
}

std::string message(const Matrix<double>& x, const SplitOptions& options, std::vector<std::string> columns = {}) {
  return pathline::message([&] { split_data(x, columns, options); });
}

TEST(Split, IsDisjointAndComplete) {
  const DataSplit split =
      split_data(numbered_rows(103), {"a", "b"}, {.validation_fraction = 0.2, .test_fraction = 0.1, .seed = 3});
  EXPECT_EQ(split.validation.cols(), 21);
  EXPECT_EQ(split.test.cols(), 10);
  EXPECT_THAT(split.columns, testing::ElementsAre("a", "b"));
  std::vector<int> seen(103);
  for (const auto* part : {&split.train, &split.validation, &split.test})
    for (Index n = 0; n < part->cols(); ++n) {
      EXPECT_EQ((*part)(0, n), -(*part)(1, n));  // samples stay whole
      ++seen[static_cast<std::size_t>((*part)(0, n))];
    }
  EXPECT_THAT(seen, testing::Each(1));
}

TEST(Split, IsAFunctionOfTheSeed) {
  const Matrix<double> x = numbered_rows(50);
  EXPECT_EQ(split_data(x, {}, {.seed = 1}).train, split_data(x, {}, {.seed = 1}).train);
  EXPECT_NE(split_data(x, {}, {.seed = 1}).test, split_data(x, {}, {.seed = 2}).test);
  EXPECT_NE(split_data(x, {}, {.seed = 1}).train, x.leftCols(40));  // files are often sorted
}

TEST(Split, ZeroFractionIsAnEmptyPart) {
  const DataSplit split = split_data(numbered_rows(5), {}, {.validation_fraction = 0, .test_fraction = 0});
  EXPECT_EQ(split.train.cols(), 5);
  EXPECT_EQ(split.validation.rows(), 2);
  EXPECT_EQ(split.validation.cols(), 0);
}

TEST(Split, FractionsOutOfRangeAreNamed) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(message(numbered_rows(50), {.validation_fraction = -0.5}), "validation_fraction = -0.5: must be in [0, 1)");
  EXPECT_EQ(message(numbered_rows(50), {.test_fraction = 1}), "test_fraction = 1: must be in [0, 1)");
  EXPECT_EQ(message(numbered_rows(50), {.test_fraction = nan}), "test_fraction = nan: must be in [0, 1)");
  EXPECT_EQ(message(numbered_rows(50), {.validation_fraction = 0.5, .test_fraction = 0.75}),
            "validation_fraction + test_fraction = 1.25: must be < 1");
}

TEST(Split, TooFewRowsFail) {
  EXPECT_THAT(message(numbered_rows(4), {}),
              HasSubstr("validation_fraction = 0.1 of 4 rows: must give at least one row"));
  EXPECT_THAT(message(numbered_rows(2), {.validation_fraction = 0.5, .test_fraction = 0}),
              HasSubstr("training rows = 1 of 2: must be >= 2"));
  EXPECT_THAT(message(Matrix<double>(2, 0), {.validation_fraction = 0, .test_fraction = 0}),
              HasSubstr("training rows = 0"));
}

// A validation by rows of weight 0 alone has no finite value.
TEST(Split, APartWithoutAnyWeightIsNamed) {
  RowVector<double> weights = RowVector<double>::Zero(50);
  const auto split = split_data(numbered_rows(50), {}, {});
  for (const double row : split.train.row(0)) weights(static_cast<Index>(row)) = 1;
  const auto refused = [&] { return pathline::message([&] { split_data(numbered_rows(50), {}, {}, weights); }); };
  EXPECT_THAT(refused(), testing::StartsWith("validation: every row has the weight 0"));
  weights(static_cast<Index>(split.validation(0, 0))) = 1;
  EXPECT_THAT(refused(), testing::StartsWith("test: every row has the weight 0"));
  weights(static_cast<Index>(split.test(0, 0))) = 1;
  EXPECT_EQ(split_data(numbered_rows(50), {}, {}, weights).test_weights.sum(), 1);
  auto elsewhere = split;
  elsewhere.test_weights = RowVector<double>::Zero(split.test.cols());
  EXPECT_THAT(pathline::message([&] { check_split(elsewhere); }), testing::StartsWith("test: every row has the weight 0"));
}

TEST(Split, NonFiniteValueIsLocated) {
  Matrix<double> x = numbered_rows(50);
  x(1, 16) = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(message(x, {}, {"a", "b"}), "row 17, column 2 (\"b\") = nan: must be finite");
  x(1, 16) = std::numeric_limits<double>::infinity();
  EXPECT_EQ(message(x, {}), "row 17, column 2 = inf: must be finite");
}

}  // namespace
}  // namespace pathline

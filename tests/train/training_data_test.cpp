#include "pathline/train/training_data.hpp"

#include <cmath>

#include <gtest/gtest.h>

namespace pathline {
namespace {

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

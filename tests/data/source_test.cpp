#include "pathline/data/source.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include <gmock/gmock.h>

#include "message.hpp"
#include "pathline/core/error.hpp"
#include "paths.hpp"
#include "scratch.hpp"

namespace pathline {
namespace {

Matrix<double> numbered(Index n) {
  Matrix<double> x(1, n);
  x.row(0).setLinSpaced(n, 0, static_cast<double>(n - 1));
  return x;
}

Matrix<double> batch(const DataSource& source, Index size, std::uint64_t iteration = 0) {
  Matrix<double> out(source.dim(), size);
  Engine engine = make_stream(0, "batch", iteration);
  source.batch(engine, out);
  return out;
}

std::set<double> values(const Matrix<double>& x) { return {x.data(), x.data() + x.size()}; }

TEST(ToySource, KnowsItsDensityAndEntropy) {
  const auto source = make_source(find_toy("moons"), {.validation_size = 100, .test_size = 50});
  EXPECT_EQ(source->dim(), 2);
  EXPECT_EQ(source->validation().cols(), 100);
  EXPECT_EQ(source->test().cols(), 50);
  EXPECT_EQ(source->entropy(), find_toy("moons").entropy());
  EXPECT_EQ(source->log_density(source->test()).value(), find_toy("moons").log_density(source->test()));
  EXPECT_FALSE(source->training_rows());
}

TEST(ToySource, ValidationNeverMeetsTrainingOrTest) {
  const auto source = make_source(find_toy("8gaussians"), {.seed = 0, .validation_size = 5000, .test_size = 5000});
  const std::set<double> validation = values(source->validation()), test = values(source->test());
  for (const double x : test) EXPECT_FALSE(validation.contains(x));
  for (std::uint64_t iteration = 0; iteration < 10; ++iteration)  // the training run's seed is the source's
    for (const double x : values(batch(*source, 1000, iteration)))
      EXPECT_FALSE(validation.contains(x) || test.contains(x));
}

TEST(ToySource, HeldOutSetsAreAFunctionOfTheSeedAndAShorterOneIsAPrefix) {
  const Toy& toy = find_toy("rings");
  const auto a = make_source(toy, {.seed = 4, .validation_size = 100}),
             b = make_source(toy, {.seed = 4, .validation_size = 10});
  EXPECT_EQ(a->validation().leftCols(10), b->validation());
  EXPECT_NE(make_source(toy, {.seed = 5, .validation_size = 10})->validation(), b->validation());
}

TEST(ToySource, NegativeSizeIsAnError) {
  EXPECT_THROW(make_source(find_toy("rings"), {.validation_size = -1}), InputError);
}

TEST(TableSource, BatchesAreTrainingRowsWithoutReplacement) {
  const auto source = make_source(numbered(100), {"a"}, {.validation_fraction = 0.2, .test_fraction = 0.1});
  const std::set<double> validation = values(source->validation()), test = values(source->test());
  EXPECT_EQ(source->training_rows(), 70);
  for (std::uint64_t iteration = 0; iteration < 50; ++iteration) {
    const std::set<double> rows = values(batch(*source, 60, iteration));
    EXPECT_EQ(rows.size(), 60u);
    for (const double x : rows) EXPECT_FALSE(validation.contains(x) || test.contains(x));
  }
}

TEST(TableSource, BatchLargerThanTheDataHoldsEveryRowEvenly) {
  const auto source = make_source(numbered(10), {}, {.validation_fraction = 0.1, .test_fraction = 0.1});
  const Matrix<double> out = batch(*source, 20);  // 8 training rows: twice each, and 4 of them once more
  std::vector<int> count(10);
  for (const double x : out.reshaped()) ++count[static_cast<std::size_t>(x)];
  std::sort(count.begin(), count.end());
  EXPECT_THAT(count, testing::ElementsAre(0, 0, 2, 2, 2, 2, 3, 3, 3, 3));
}

TEST(TableSource, EveryRowIsAsLikely) {
  const auto source = make_source(numbered(20), {}, {.validation_fraction = 0, .test_fraction = 0});
  std::vector<double> count(20);
  constexpr int iterations = 4000, size = 5;
  for (int i = 0; i < iterations; ++i) {
    const Matrix<double> out = batch(*source, size, i);
    for (const double x : out.reshaped()) ++count[static_cast<std::size_t>(x)];
  }
  const double p = size / 20.0;
  for (const double n : count) EXPECT_NEAR(n, iterations * p, 4 * std::sqrt(iterations * p * (1 - p)));  // binomial
}

TEST(TableSource, StandardizerIgnoresTheHeldOutRows) {
  Matrix<double> x = numbered(100);
  const SourceOptions options{.seed = 9, .validation_fraction = 0.2, .test_fraction = 0.2};
  const auto source = make_source(x, {}, options);
  const std::set<double> validation = values(source->validation()), test = values(source->test());
  for (Index n = 0; n < x.cols(); ++n)  // outliers in every held-out row
    if (validation.contains(x(0, n)) || test.contains(x(0, n))) x(0, n) = 1e6;
  const auto spoiled = make_source(x, {}, options);
  EXPECT_EQ(spoiled->validation().minCoeff(), 1e6);
  EXPECT_EQ(spoiled->standardizer().mean, source->standardizer().mean);
  EXPECT_EQ(spoiled->standardizer().scale, source->standardizer().scale);
}

TEST(TableSource, HasNoExactDensityButNames) {
  const auto source = make_source(numbered(100), {});
  EXPECT_FALSE(source->entropy());
  EXPECT_FALSE(source->log_density(source->test()));
  EXPECT_THAT(source->columns(), testing::ElementsAre("x1"));
}

TEST(SourceByName, IsAToyOrAFile) {
  EXPECT_EQ(make_source("moons", {.validation_size = 1, .test_size = 1})->entropy(), find_toy("moons").entropy());
  const auto geyser = make_source(source_dir() + "/datasets/geyser.csv");
  EXPECT_EQ(geyser->training_rows().value() + geyser->validation().cols() + geyser->test().cols(), 272);
  EXPECT_THAT(geyser->columns(), testing::ElementsAre("eruptions", "waiting"));
}

TEST(SourceByName, GeyserIsRsFaithful) {
  const auto geyser =
      make_source(source_dir() + "/datasets/geyser.csv", {.validation_fraction = 0, .test_fraction = 0});
  EXPECT_NEAR(geyser->standardizer().mean(0), 3.487783, 5e-7);  // R: colMeans(faithful), in seven digits
  EXPECT_NEAR(geyser->standardizer().mean(1), 70.897059, 5e-7);
}

class SourceFile : public Scratch {};

// The truth that `data sample --log-density` writes was trained on as a third dimension.
TEST_F(SourceFile, ColumnLogDensityIsNotData) {
  const auto name = put("a.csv", "x1,x2,log_density\n1,2,-3\n2,3,-4\n");
  EXPECT_THAT(message([&] { make_source(name); }), testing::HasSubstr("a.csv: column 3 is log_density, the true density"));
}

TEST(SourceByName, ErrorsSayWhere) {
  const auto message = [](const std::string& name, const SourceOptions& options = {}) -> std::string {
    try {
      make_source(name, options);
    } catch (const InputError& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_THAT(message("mons"), testing::HasSubstr("did you mean \"moons\"?"));
  EXPECT_THAT(message("nowhere/mons.csv"), testing::HasSubstr("mons.csv"));
  EXPECT_THAT(message(source_dir() + "/datasets/geyser.csv", {.test_fraction = 2}),
              testing::HasSubstr("geyser.csv: test_fraction = 2: must be in [0, 1)"));
}

}  // namespace
}  // namespace pathline

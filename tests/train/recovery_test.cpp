#include "train/recovery.hpp"

#include <cmath>
#include <filesystem>
#include <limits>
#include <set>

#include <gmock/gmock.h>

#include "message.hpp"
#include "pathline/core/error.hpp"
#include "pathline/field/mlp.hpp"
#include "pathline/train/trainer.hpp"
#include "scratch.hpp"
#include "train/least_nll.hpp"
#include "train/pending_writes.hpp"

namespace pathline {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// Maximum likelihood that goes wrong in the iterations (from 0) in which it is told to.
class Spoiled final : public Objective<double> {
 public:
  using Spoil = std::function<void(Index, ObjectiveGradient&)>;
  explicit Spoiled(Spoil spoil) : spoil_(std::move(spoil)) {}
  std::string kind() const override { return "likelihood"; }
  ObjectiveGradient operator()(const Flow<double>& flow, const Batch& batch, Index iteration) override {
    auto gradient = (*real_)(flow, batch, iteration);
    spoil_(iteration, gradient);
    return gradient;
  }
  std::vector<double> first_steps() const override { return real_->first_steps(); }
  void set_first_steps(std::vector<double> steps) override { real_->set_first_steps(std::move(steps)); }

 private:
  Spoil spoil_;
  std::unique_ptr<Objective<double>> real_ = maximum_likelihood<double>();
};

Spoiled::Spoil nan_in(std::set<Index> iterations) {
  return [iterations](Index i, ObjectiveGradient& g) {
    if (iterations.count(i)) g.loss = kNan;
  };
}

Flow<double> recoverable_flow() {
  auto field = std::make_shared<Mlp<double>>(MlpOptions{.dim = 2, .hidden = {8}});
  Engine engine = make_stream(1, "test.weights");
  field->initialize(engine);
  return Flow<double>(Cnf<double>(field));
}

TrainingData draws() {
  Matrix<double> x(2, 300);
  Engine engine = make_stream(2, "test.data");
  fill_normal<double>(engine, x);
  return matrix_data(x);
}

class TrainingThatGoesWrong : public Scratch {
 protected:
  Trainer<double> trainer(Spoiled::Spoil spoil, Index iterations, const std::string& directory = "",
                          bool resume = false, Index stop_after = -1) {
    TrainerOptions options{.iterations = iterations,
                           .batch = 32,
                           .schedule = {.kind = Schedule::Kind::constant, .warmup = 5},
                           .evaluate_every = 10,
                           .checkpoint_every = 10,
                           .evaluation = {.solver = {.steps = 10}},
                           .directory = directory.empty() ? "" : file(directory),
                           .resume = resume};
    TrainingCallbacks<double> callbacks;
    callbacks.note = [this](const std::string& text) { notes_.push_back(text); };
    callbacks.iteration = [this, stop_after](const TrainingProgress& p, const Flow<double>&) {
      if (at_iteration_) at_iteration_(p.iteration);
      rates_.push_back(p.learning_rate);
      return p.iteration == stop_after ? TrainingAction::stop : TrainingAction::proceed;
    };
    return {recoverable_flow(), draws(), std::make_shared<Spoiled>(std::move(spoil)), options, callbacks};
  }
  std::vector<std::string> notes_;
  std::vector<double> rates_;
  std::function<void(Index)> at_iteration_;
};

TEST_F(TrainingThatGoesWrong, OneIterationIsSkippedAndSaid) {
  auto training = trainer(nan_in({6}), 20, "run");
  EXPECT_EQ(training.run().iterations, 20);
  ASSERT_EQ(notes_.size(), 1u);
  EXPECT_EQ(notes_[0], "iteration 7: the loss or its gradient is not finite; the iteration is skipped");
  EXPECT_THAT(get("run/metrics.jsonl"),
              HasSubstr("{\"iteration\":7,\"stage\":0,\"event\":\"skipped\",\"reason\":\"the loss"));
  EXPECT_TRUE(training.flow().theta().allFinite());
}

TEST_F(TrainingThatGoesWrong, AFailedSolveAndAGradientThatExplodesAreSkipped) {
  auto training = trainer(
      [](Index i, ObjectiveGradient& g) {
        if (i == 6) throw NumericalError("step limit of 10000 reached");
        if (i == 70) g.theta *= 1e7;
        if (i == 80) g.theta[3] = kNan;
      },
      100);
  EXPECT_EQ(training.run().iterations, 100);
  ASSERT_EQ(notes_.size(), 3u);
  EXPECT_THAT(notes_[0], StartsWith("iteration 7: step limit of 10000 reached"));
  EXPECT_THAT(notes_[1],
              AllOf(StartsWith("iteration 71: the gradient's norm of"), HasSubstr("times its running mean")));
  EXPECT_THAT(notes_[2], StartsWith("iteration 81: the loss or its gradient is not finite"));
}

TEST_F(TrainingThatGoesWrong, ThreeInARowGoBackWithASmallerRate) {
  auto training = trainer(nan_in({12, 13, 14}), 30, "run");
  EXPECT_EQ(training.run().iterations, 30);
  ASSERT_EQ(notes_.size(), 3u);
  EXPECT_THAT(notes_[2],
              StartsWith("iteration 15: the loss or its gradient is not finite; going back to iteration 10 with "
                         "0.3 of the learning rate"));
  EXPECT_DOUBLE_EQ(rates_[15], 0.3 * rates_[11]);  // constant
  EXPECT_THAT(get("run/metrics.jsonl"), HasSubstr("\"event\":\"rolled back\""));
  const auto state = read_training_state(file("run/last.h5"));
  EXPECT_EQ(state.recovery.all_skipped, 3);
  EXPECT_EQ(state.recovery.all_rollbacks, 1);
}

TEST_F(TrainingThatGoesWrong, WhatNeverGoesWellEndsWithAdvice) {
  auto training = trainer(
      [](Index i, ObjectiveGradient& g) {
        if (i >= 15) g.loss = kNan;
      },
      1000, "run");
  const auto what = message<NumericalError>([&] { training.run(); });
  EXPECT_THAT(what,
              StartsWith("iteration 16: the loss or its gradient is not finite; 12 iterations were skipped and the run "
                         "went back 3 times, at last with 0.027 of its learning rate; the last checkpoint is "));
  EXPECT_THAT(what, HasSubstr("lower the learning rate"));
  EXPECT_LE(read_training_state(file("run/last.h5")).iteration, 20);
}

TEST_F(TrainingThatGoesWrong, AResumedRunGoesBackToTheSameStateSlow) {
  const auto spoil = nan_in({12, 13, 14, 22, 27, 28, 29, 36});
  auto whole = trainer(spoil, 40, "whole");
  whole.run();
  for (const Index stop : {11, 13, 14, 15, 20, 23, 28, 29, 33}) {
    const std::string directory = "parts" + std::to_string(stop);
    trainer(spoil, 40, directory, false, stop).run();
    auto parts = trainer(spoil, 40, directory, true);
    parts.run();
    EXPECT_EQ(parts.flow().theta(), whole.flow().theta()) << stop;
    EXPECT_EQ(parts.best().theta(), whole.best().theta()) << stop;
  }
}

// A run without an accident is the run that it was: its rate is multiplied by 1.
TEST_F(TrainingThatGoesWrong, ARunThatGoesWellIsAsBefore) {
  auto spoiled = trainer([](Index, ObjectiveGradient&) {}, 20, "run");
  spoiled.run();
  EXPECT_TRUE(notes_.empty());
  const auto state = read_training_state(file("run/last.h5"));
  EXPECT_EQ(state.recovery.rate, 1);
  EXPECT_FALSE(state.good);
}

TEST_F(TrainingThatGoesWrong, ALossThatIsNotOfTheDensityIsFound) {
  auto training = trainer([](Index i, ObjectiveGradient& g) { g.loss -= i > 5 ? 20 : 0; }, 1000);
  const auto what = message<NumericalError>([&] { training.run(); });
  EXPECT_THAT(what, StartsWith("validation at iteration 10: the loss of "));
  EXPECT_THAT(what, HasSubstr("the solve of the training is too coarse"));
}

TEST_F(TrainingThatGoesWrong, ADirectoryThatIsGoneForAWhileLosesNothing) {
  at_iteration_ = [&](Index i) {
    if (i == 15) std::filesystem::rename(file("run"), file("away"));
    if (i == 25) std::filesystem::rename(file("away"), file("run"));
  };
  auto training = trainer(nan_in({}), 40, "run");
  EXPECT_EQ(training.run().iterations, 40);
  ASSERT_FALSE(notes_.empty());
  EXPECT_THAT(notes_[0],
              HasSubstr("cannot write: No such file or directory; the run goes on and writes it again later"));
  EXPECT_EQ(read_training_state(file("run/last.h5")).iteration, 40);
  const std::string metrics = get("run/metrics.jsonl");
  EXPECT_EQ(std::count(metrics.begin(), metrics.end(), '\n'), 4);
}

TEST(PendingWrites, AreWrittenAgainUntilTheyAreSlow) {
  int failures = 3, written = 0, notes = 0;
  const auto write = [&] {
    if (failures-- > 0) throw InputError("x: cannot write: No space left on device");
    ++written;
  };
  PendingWrites pending([&](const std::string&) { ++notes; });
  pending.write("x", write);
  pending.retry();
  EXPECT_EQ(written, 0);
  pending.finish();
  EXPECT_EQ(written, 1);
  EXPECT_EQ(notes, 3);
  pending.retry();
  EXPECT_EQ(written, 1);
  failures = 100;
  pending.write("x", write);
  EXPECT_EQ(message([&] { pending.finish(); }), "x: cannot write: No space left on device");
}

TEST(LeastNll, IsTheResolutionOfATable) {
  Matrix<double> x(2, 200);
  for (Index i = 0; i < 200; ++i) x.col(i) << 0.5 * static_cast<double>(i % 4), static_cast<double>(i * i % 7);
  const auto data = matrix_data(x);
  const auto bound = least_nll(data, {.nll = -5, .nll_error = 0.1, .points = 20});
  ASSERT_TRUE(bound);
  EXPECT_NEAR(*bound, std::log(0.5), 1e-12);
  EXPECT_FALSE(least_nll(data, {.nll = 3, .nll_error = 0.1, .points = 20}));  // far above: not looked for
  EXPECT_FALSE(least_nll(data, {.nll = kNan}));
}

}  // namespace
}  // namespace pathline

#include "train/flow_optimizer.hpp"

#include <gmock/gmock.h>

#include "message.hpp"
#include "pathline/field/mlp.hpp"

namespace pathline {
namespace {

using testing::HasSubstr;

// An objective of which only the first steps matter here.
class WithSteps final : public Objective<double> {
 public:
  std::string kind() const override { return "steps"; }
  ObjectiveGradient operator()(const Flow<double>&, const Batch&, Index) override { return {}; }
  std::vector<double> first_steps() const override { return steps_; }
  void set_first_steps(std::vector<double> steps) override { steps_ = std::move(steps); }

 private:
  std::vector<double> steps_{0.25, 0.5};
};

class OptimizerOfAFlow : public testing::Test {
 protected:
  static Flow<double> flow_with_norms() {
    auto field = std::make_shared<Mlp<double>>(MlpOptions{.dim = 2, .hidden = {4}});
    Engine engine = make_stream(1, "test.weights");
    field->initialize(engine);
    std::vector<BatchNorm<double>> norms;
    for (int i = 0; i < 2; ++i) norms.emplace_back(2);
    return Flow<double>({Cnf<double>(field)}, std::move(norms));
  }

  // The gradient of some loss, with statistics of a batch for the norms.
  ObjectiveGradient gradient(int i) const {
    ObjectiveGradient out{.loss = 0, .theta = Vector<double>(flow_.theta().size())};
    for (Index k = 0; k < out.theta.size(); ++k) out.theta[k] = std::sin(static_cast<double>(k + 7 * i));
    out.statistics.resize(flow_.chain.size());
    for (std::size_t t = 0; t < flow_.chain.size(); ++t)
      if (flow_.chain[t].gathers())
        out.statistics[t] = {Vector<double>::Constant(2, 0.1 * i), Vector<double>::Constant(2, 1 + 0.2 * i)};
    return out;
  }
  void update(FlowOptimizer<double>& optimizer, int i) {
    auto g = gradient(i);
    optimizer.clip(g.theta);
    optimizer.update(g, 0.01);
  }
  Vector<double> norm_means() const {
    Vector<double> out(4);
    out << flow_.norms()[0]->mean, flow_.norms()[1]->mean;
    return out;
  }

  TrainerOptions options_{.adam = {.weight_decay = 0.1}, .clip = 1, .ema = 0.9};
  Flow<double> flow_ = flow_with_norms();
  WithSteps objective_;
};

TEST_F(OptimizerOfAFlow, GoesBackToASnapshotAndContinuesBitwise) {
  FlowOptimizer<double> optimizer(flow_, options_);
  for (int i = 0; i < 3; ++i) update(optimizer, i);
  const GoodState good = optimizer.snapshot(3, objective_);
  const Vector<double> theta = flow_.theta(), means = norm_means();
  for (int i = 3; i < 6; ++i) update(optimizer, i);
  const Vector<double> later = flow_.theta(), later_means = norm_means(), later_average = optimizer.averaged().theta();
  ASSERT_NE(later_means, means);
  objective_.set_first_steps({});
  optimizer.go_back(good, objective_);
  EXPECT_EQ(flow_.theta(), theta);
  EXPECT_EQ(norm_means(), means);
  EXPECT_THAT(objective_.first_steps(), testing::ElementsAre(0.25, 0.5));
  for (int i = 3; i < 6; ++i) update(optimizer, i);
  EXPECT_EQ(flow_.theta(), later);
  EXPECT_EQ(norm_means(), later_means);
  EXPECT_EQ(optimizer.averaged().theta(), later_average);
}

TEST_F(OptimizerOfAFlow, WhatIsWrittenContinuesBitwise) {
  FlowOptimizer<double> optimizer(flow_, options_);
  for (int i = 0; i < 3; ++i) update(optimizer, i);
  TrainingState state;
  optimizer.write(state, objective_);
  Flow<double> copy = flow_;  // holds the statistics of the norms, as the file does
  FlowOptimizer<double> other(copy, options_);
  WithSteps steps;
  steps.set_first_steps({});
  other.restore(state, steps);
  EXPECT_EQ(steps.first_steps(), objective_.first_steps());
  update(optimizer, 3), update(other, 3);
  EXPECT_EQ(copy.theta(), flow_.theta());
  EXPECT_EQ(other.averaged().theta(), optimizer.averaged().theta());
}

TEST_F(OptimizerOfAFlow, AStageBeginsFromTheAverageWithoutMoments) {
  FlowOptimizer<double> optimizer(flow_, options_);
  for (int i = 0; i < 3; ++i) update(optimizer, i);
  const Vector<double> average = optimizer.averaged().theta();
  ASSERT_NE(average, flow_.theta());
  optimizer.begin_stage();
  EXPECT_EQ(flow_.theta(), average);
  const auto state = optimizer.snapshot(3, objective_);
  EXPECT_EQ(state.adam.steps, 0);
  EXPECT_TRUE((state.adam.m.array() == 0).all());
}

TEST_F(OptimizerOfAFlow, FrozenParametersHaveNoPartInTheNormOfTheGradient) {
  options_.frozen = {"norms."};
  FlowOptimizer<double> optimizer(flow_, options_);
  const auto parameters = flow_.parameters();
  Vector<double> of_norms = Vector<double>::Zero(flow_.theta().size());
  for (const auto& p : parameters)
    if (p.name.starts_with("norms.")) of_norms.segment(p.offset, p.size()).setOnes();
  EXPECT_EQ(optimizer.clip(of_norms), 0);
  EXPECT_TRUE((of_norms.array() == 0).all());
  options_.frozen = {"norm_"};
  EXPECT_THAT(message([&] { FlowOptimizer<double>(flow_, options_); }),
              HasSubstr("frozen: no parameter's name starts with 'norm_'; did you mean 'norms."));
}

}  // namespace
}  // namespace pathline

#include "pathline/objective/gradient_check.hpp"

#include <gtest/gtest.h>

#include "pathline/core/error.hpp"
#include "pathline/field/mlp.hpp"
#include "pathline/field/potential_field.hpp"

namespace pathline {
namespace {

// Two conditional blocks with trained end times, three batch norms, a mixture as base, every regularizer.
struct Everything {
  explicit Everything(FieldClock clock = FieldClock::base_to_data) {
    Engine engine = make_stream(1, "gradient_check_test");
    std::vector<Cnf<double>> blocks;
    for (double time : {0.6, 0.4}) {
      auto field = std::make_shared<Mlp<double>>(
          MlpOptions{.dim = 2, .condition_dim = 1, .hidden = {7, 7}, .activation = Activation::softplus});
      field->initialize(engine);
      blocks.push_back({field, time, clock, true});
    }
    auto base = make_base(BaseKind::mixture, 2, 3, engine);
    std::vector<BatchNorm<double>> norms;
    for (int i = 0; i < 3; ++i) {
      BatchNorm<double> norm(2);
      for (auto* v : {&norm.mean, &norm.log_weight, &norm.bias})
        for (Index j = 0; j < 2; ++j) (*v)[j] = 0.3 * normal(engine);
      norm.variance << 0.7, 1.3;
      norms.push_back(norm);
    }
    flow = std::make_unique<Flow<double>>(std::move(blocks), std::move(norms));
    flow->standardize(Vector<double>{{0.2, -0.3}}, Vector<double>{{1.4, 0.8}});
    flow->condition_mean << 0.1, flow->condition_scale << 1.7;
    flow->base = std::move(base);
    x.resize(2, 9), c.resize(1, 9);
    fill_normal<double>(engine, x), fill_normal<double>(engine, c);
  }
  std::unique_ptr<Flow<double>> flow;
  Matrix<double> x, c;
};

const RegularizerWeights kAll{.kinetic = 0.1,
                              .jacobian = 0.05,
                              .l1int = 0.02,
                              .l2int = 0.03,
                              .dl2int = 0.04,
                              .JFrobint = 0.05,
                              .JdiagFrobint = 0.06,
                              .JoffdiagFrobint = 0.07};

void expect_right(const std::vector<GradientCheckRow>& rows, double tolerance) {
  for (const auto& r : rows) EXPECT_LT(r.error(), tolerance) << r.name << " " << r.gradient << " " << r.difference;
}

// The discrete adjoint of four coarse steps is the gradient of just that loss.
TEST(GradientCheck, DiscreteIsExactForCoarseStepsOfAWholeChain) {
  for (auto clock : {FieldClock::base_to_data, FieldClock::data_to_base}) {
    const Everything e(clock);
    const auto rows = check_gradient(*e.flow, e.x, e.c, {.solver = {.steps = 4}, .regularizers = kAll, .tile = 4});
    EXPECT_EQ(rows.size(), e.flow->parameters().size() + 2);
    expect_right(rows, 1e-6);  // h^2 of the difference and eps / h
  }
}

// With the regularizers that are smooth in f and J: the kinks of the others, where a norm is 0, no quadrature of a
// fixed order integrates to 1e-5, and the step control does not look at them.
TEST(GradientCheck, EveryStrategyIsRightAtFineToleranceSlow) {
  const RegularizerWeights smooth{.kinetic = 0.1, .jacobian = 0.05, .JoffdiagFrobint = 0.07};
  for (auto clock : {FieldClock::base_to_data, FieldClock::data_to_base})
    for (auto adjoint : {AdjointKind::discrete, AdjointKind::checkpointed, AdjointKind::backsolve}) {
      const Everything e(clock);
      expect_right(check_gradient(*e.flow, e.x, e.c,
                                  {.solver = {.rtol = 1e-9, .atol = 1e-9}, .adjoint = adjoint, .regularizers = smooth}),
                   1e-5);
    }
}

TEST(GradientCheck, HutchinsonsGradientIsThatOfItsOwnEstimate) {
  const Everything e;
  for (auto noise : {ProbeNoise::rademacher, ProbeNoise::gaussian})
    expect_right(check_gradient(*e.flow, e.x, e.c,
                                {.solver = {.steps = 5},
                                 .trace = {.kind = TraceKind::hutchinson, .noise = noise, .probes = 2},
                                 .regularizers = {.kinetic = 0.1, .jacobian = 0.2}}),
                 1e-6);
}

TEST(GradientCheck, EveryBaseIsRight) {
  for (const auto& name : base_names()) {
    if (name == "uniform") continue;  // no gradient inside its box
    Everything e;
    Engine engine = make_stream(3, "base");
    e.flow->base = make_base(parse_base(name), 2, 3, engine, e.c.rows());
    Vector<double> theta = e.flow->base->theta();
    for (auto& v : theta) v += 0.3 * normal(engine);
    e.flow->base->set_theta(theta);
    expect_right(check_gradient(*e.flow, e.x, e.c, {.solver = {.steps = 4}}), 1e-6);
  }
}

TEST(GradientCheck, ABaseThatIsNotTrainedLeavesTheOtherGradientsAsTheyAre) {
  for (const auto& name : base_names()) {
    Everything e;
    Engine engine = make_stream(3, "base");
    e.flow->base = make_base(parse_base(name), 2, 3, engine, e.c.rows());
    GradientOptions options{.solver = {.steps = 4}};
    const auto with = nll_gradient(*e.flow, e.x, e.c, options);
    options.base = false;
    const auto without = nll_gradient(*e.flow, e.x, e.c, options);
    const Index base = e.flow->base->theta().size(), rest = with.theta.size() - base;
    EXPECT_EQ(with.theta.head(rest), without.theta.head(rest)) << name;
    EXPECT_EQ(without.theta.tail(base), Vector<double>::Zero(base)) << name;
    EXPECT_EQ(with.z, without.z) << name;
  }
}

// OT-Flow: f = -grad Phi with the transport cost and the Hamilton-Jacobi-Bellman residual, which needs dPhi/dt.
TEST(GradientCheck, PotentialFieldsWithTheirRegularizersAreRightSlow) {
  for (auto clock : {FieldClock::base_to_data, FieldClock::data_to_base})
    for (auto adjoint : {AdjointKind::discrete, AdjointKind::checkpointed, AdjointKind::backsolve}) {
      Everything e(clock);
      Engine engine = make_stream(4, "potential");
      for (auto* block : e.flow->blocks()) {
        auto field = std::make_shared<PotentialField<double>>(PotentialFieldOptions{.condition_dim = 1, .width = 6});
        field->initialize(engine);
        block->field = field;
      }
      GradientOptions options{.solver = {.rtol = 1e-9, .atol = 1e-9},
                              .adjoint = adjoint,
                              .regularizers = {.kinetic = 0.1, .jacobian = 0.1, .transport = 0.3}};
      expect_right(check_gradient(*e.flow, e.x, e.c, options), 1e-5);
      if (adjoint != AdjointKind::discrete) continue;
      options.solver = {.steps = 4}, options.regularizers = {.transport = 0.3, .hjb = 0.2, .l1int = 0.1, .dl2int = 0.1};
      expect_right(check_gradient(*e.flow, e.x, e.c, options), 1e-6);
    }
  const Everything plain;
  EXPECT_THROW((void)nll_gradient(*plain.flow, plain.x, plain.c, {.regularizers = {.hjb = 1}}), InputError);
}

TEST(GradientCheck, DataGoThroughTheLogit) {
  Everything e;
  e.flow->set_logit(0.05);
  e.x = 0.5 + 0.4 * e.x.array().tanh();
  expect_right(check_gradient(*e.flow, e.x, e.c, {.solver = {.steps = 4}}), 1e-6);
}

// Three Gauss nodes a step were the larger error by far where the steps are those of order 8.
TEST(GradientCheck, SteppersOfHighOrderAreRightToo) {
  for (auto [stepper, adjoint] : {std::pair{StepperKind::fehlberg78, AdjointKind::discrete},
                                  {StepperKind::fehlberg78, AdjointKind::checkpointed},
                                  {StepperKind::fehlberg78, AdjointKind::backsolve},
                                  {StepperKind::bulirsch_stoer, AdjointKind::backsolve}}) {
    const Everything e;
    expect_right(check_gradient(*e.flow, e.x, e.c,
                                {.solver = {.stepper = stepper, .rtol = 1e-9, .atol = 1e-9}, .adjoint = adjoint}),
                 1e-5);
  }
}

TEST(GradientCheck, SeesALossOfAccuracy) {
  const Everything e;
  const auto rows = check_gradient(
      *e.flow, e.x, e.c, {.solver = {.stepper = StepperKind::euler, .steps = 3}, .adjoint = AdjointKind::backsolve});
  double worst = 0;
  for (const auto& r : rows) worst = std::max(worst, r.error());
  EXPECT_GT(worst, 1e-3);
}

TEST(GradientCheck, RegularizersOfTheWholeJacobianRefuseProbes) {
  const Everything e;
  EXPECT_THROW(
      nll_gradient(*e.flow, e.x, e.c, {.trace = {.kind = TraceKind::hutchinson}, .regularizers = {.JFrobint = 1}}),
      InputError);
  EXPECT_THROW((void)nll_gradient(*e.flow, e.x, e.c, {.regularizers = {.kinetic = -1}}), InputError);
}

}  // namespace
}  // namespace pathline

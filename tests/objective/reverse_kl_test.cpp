#include "pathline/objective/reverse_kl.hpp"

#include <cmath>

#include <gtest/gtest.h>

#include "pathline/core/error.hpp"
#include "pathline/field/mlp.hpp"

namespace pathline {
namespace {

const Matrix<double> kNoCondition(0, 0);
const GradientOptions kFine{.solver = {.rtol = 1e-10, .atol = 1e-10}, .seed = 5};

// Two blocks on either clock, their end times trained, and an affine map behind them.
template <class S> Flow<S> two_blocks() {
  Engine engine = make_stream(4, "reverse_kl_test");
  std::vector<Cnf<S>> blocks;
  for (auto clock : {FieldClock::base_to_data, FieldClock::data_to_base}) {
    auto field = std::make_shared<Mlp<S>>(MlpOptions{.hidden = {7, 6}});
    field->initialize(engine);
    blocks.push_back({std::move(field), 0.8, clock, true});
  }
  Flow<S> flow(std::move(blocks));
  flow.standardize(Vector<double>{{0.3, -0.2}}, Vector<double>{{1.5, 0.7}});
  return flow;
}

// The mean over draws of log q(x) - log p~(x) with x moved by theta and q held.
double held(const Flow<double>& moved, const Flow<double>& q, const Target& target, const Matrix<double>& base) {
  const EvaluationOptions fine{.solver = kFine.solver};
  const auto x = moved.push(base, fine).points;
  return (q.log_prob(x, kNoCondition, fine).log_prob - target.log_density(x, nullptr)).mean();
}

TEST(ReverseKl, GradientAlongThePathAgreesWithDifferences) {
  const auto flow = two_blocks<double>();
  const Target target = find_target("banana");
  const Index n = 20;
  const auto got = ReverseKlSolver<double>(target, kFine)(flow, n, 3);
  Engine engine = make_stream(5, "reverse_kl.draw", 3, 0);
  Matrix<double> base(2, n);
  flow.base->sample(engine, base);
  EXPECT_NEAR(got.loss, held(flow, flow, target, base), 1e-8);
  const Vector<double> theta = flow.theta();
  for (const auto& p : flow.parameters()) {
    Engine directions = make_stream(6, "reverse_kl_test.direction", static_cast<std::uint64_t>(p.offset));
    Vector<double> direction = Vector<double>::Zero(theta.size());
    Matrix<double> part(p.size(), 1);
    fill_normal<double>(directions, part);
    direction.segment(p.offset, p.size()) = part.normalized();
    auto at = [&](double h) {
      auto moved = flow;
      moved.set_theta(theta + h * direction);
      return held(moved, flow, target, base);
    };
    const double h = 1e-4, difference = (at(h) - at(-h)) / (2 * h);
    // h^2 times third derivatives of order 1 to 10, and the solves' 1e-10 over h.
    EXPECT_NEAR(got.theta.dot(direction), difference, 3e-6 * std::max(1.0, std::abs(difference))) << p.name;
  }
}

// Sticking the landing (Roeder et al. 2017): no noise is left where the flow is the target.
TEST(ReverseKl, EveryGradientVanishesWhereTheFlowIsTheTarget) {
  const auto flow = two_blocks<double>();
  Target self;
  self.dim = 2;
  self.log_density = [&](ConstMatrixRef<double> x, Matrix<double>* gradient) -> RowVector<double> {
    GradientOptions o = kFine;
    o.parameters = false;
    const auto g = nll_gradient(flow, x, Matrix<double>(0, x.cols()), o);
    // The gradient is of the standardized data, and of the mean.
    if (gradient) *gradient = (-static_cast<double>(x.cols()) * g.z).array().colwise() / flow.scale().array();
    return flow.log_prob(x, kNoCondition, {.solver = o.solver}).log_prob;
  };
  const auto got = ReverseKlSolver<double>(self, kFine)(flow, 10, 0);
  EXPECT_LT(std::abs(got.loss), 1e-8);
  EXPECT_LT(got.theta.norm(), 1e-8);
}

TEST(ReverseKl, APowerIsThatOfTheTarget) {
  const auto flow = two_blocks<double>();
  Target tempered = find_target("ring");
  tempered.log_density = [ring = find_target("ring")](ConstMatrixRef<double> x,
                                                      Matrix<double>* g) -> RowVector<double> {
    const RowVector<double> p = ring.log_density(x, g);
    if (g) *g *= 0.3;
    return 0.3 * p;
  };
  const auto expected = ReverseKlSolver<double>(tempered, {})(flow, 60, 1);
  const auto got = ReverseKlSolver<double>(find_target("ring"), {})(flow, 60, 1, 0.3);
  EXPECT_NEAR(got.loss, expected.loss, 1e-13);
  EXPECT_LT((got.theta - expected.theta).norm(), 1e-12);
}

TEST(ReverseKl, ScoresWithoutParametersAreTheSame) {
  const auto flow = two_blocks<double>();
  const Matrix<double> x = Matrix<double>::Random(2, 9), none(0, 9);
  auto o = kFine;
  const auto all = nll_gradient(flow, x, none, o);
  o.parameters = false;
  const auto only = nll_gradient(flow, x, none, o);
  EXPECT_EQ(all.z, only.z);
  EXPECT_EQ(only.theta.norm(), 0);
}

TEST(ReverseKl, AnyNumberOfThreadsGivesTheSameBits) {
  const auto flow = two_blocks<float>();
  Vector<double> first;
  for (int threads : {1, 3}) {
    const auto got = ReverseKlSolver<float>(find_target("ring"), {.seed = 1, .threads = threads})(flow, 170, 2);
    if (threads == 1) first = got.theta;
    EXPECT_EQ(first, got.theta);
  }
}

TEST(ReverseKl, WhatDoesNotFitIsRefused) {
  auto flow = two_blocks<double>();
  ReverseKlSolver<double> solver(find_target("ring"), {});
  EXPECT_THROW(solver(flow, 0, 0), InputError);
  flow.set_logit(0.1);
  EXPECT_THROW(solver(flow, 4, 0), InputError);
  flow.set_logit(0);
  Engine engine = make_stream(0, "base");
  flow.base = make_base(BaseKind::uniform, 2, 1, engine);
  EXPECT_THROW(solver(flow, 4, 0), InputError);
  GradientOptions backsolve;
  backsolve.adjoint = AdjointKind::backsolve;
  EXPECT_THROW(ReverseKlSolver<double>(find_target("ring"), backsolve), InputError);
  Target broken = find_target("ring");
  broken.log_density = [](ConstMatrixRef<double> x, Matrix<double>* g) -> RowVector<double> {
    if (g) g->setZero(2, x.cols());
    return RowVector<double>::Constant(x.cols(), std::nan(""));
  };
  EXPECT_THROW(ReverseKlSolver<double>(broken, {})(two_blocks<double>(), 4, 0), NumericalError);
}

}  // namespace
}  // namespace pathline

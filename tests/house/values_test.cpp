// Values are values: changing a copy does not change the original. What is shared is shared by name (Flow::share,
// Cnf's constructor).
#include <type_traits>

#include <gtest/gtest.h>

#include "pathline/pathline.hpp"

namespace pathline {
namespace {

std::shared_ptr<Mlp<double>> make_field() {
  auto field = std::make_shared<Mlp<double>>(MlpOptions{.hidden = {4}});
  Engine engine = make_stream(1, "values_test");
  field->initialize(engine);
  return field;
}

Flow<double> make_flow() {
  std::vector<BatchNorm<double>> norms(2, BatchNorm<double>(2));
  Flow<double> flow({Cnf<double>{make_field()}}, std::move(norms));
  flow.standardize(Vector<double>{{1, 2}}, Vector<double>{{3, 4}});
  Engine engine = make_stream(2, "values_test");
  flow.base = make_base(BaseKind::diagonal, 2, 1, engine);
  return flow;
}

// A copy made by construction and one made by assignment; `change` changes either, `state` sees every part.
template <class T, class Change, class State> void expect_a_value(const T& original, Change change, State state) {
  const auto before = state(original);
  T copy = original;
  EXPECT_EQ(state(copy), before);
  change(copy);
  EXPECT_NE(state(copy), before);
  EXPECT_EQ(state(original), before);
  T assigned = copy;
  assigned = original;
  EXPECT_EQ(state(assigned), before);
  change(assigned);
  EXPECT_NE(state(assigned), before);
  EXPECT_EQ(state(original), before);
}

template <class T> void move_theta(T& x) { x.set_theta((x.theta().array() + 1).matrix()); }

TEST(Values, AFlow) {
  expect_a_value(make_flow(), [](auto& f) { move_theta(f); }, [](const auto& f) { return f.theta(); });
}

TEST(Values, EveryPartOfAFlow) {
  const auto flow = make_flow();
  expect_a_value(flow, [](auto& f) { f.base->set_theta(Vector<double>::Ones(4)); },
                 [](const auto& f) { return f.base->theta(); });
  expect_a_value(flow, [](auto& f) { f.standardize(Vector<double>::Zero(2), Vector<double>::Ones(2)); },
                 [](const auto& f) { return f.mean(); });
  expect_a_value(flow, [](auto& f) { f.norms()[1]->mean.setConstant(7); },
                 [](const auto& f) { return f.norms()[1]->mean; });
  expect_a_value(flow, [](auto& f) { f.blocks()[0]->field->set_theta(0 * f.blocks()[0]->field->theta()); },
                 [](const auto& f) { return f.theta(); });
}

TEST(Values, AChainAndACnf) {
  expect_a_value(make_flow().chain, [](auto& c) { move_theta(c); }, [](const auto& c) { return c.theta(); });
  expect_a_value(Cnf<double>{make_field()}, [](auto& c) { move_theta(c); }, [](const auto& c) { return c.theta(); });
}

TEST(Values, AField) {
  const ClonePtr<VectorField<double>> field = make_field()->clone();
  expect_a_value(field, [](auto& f) { move_theta(*f); }, [](const auto& f) { return f->theta(); });
}

TEST(Values, ABase) {
  Engine engine = make_stream(3, "values_test");
  const ClonePtr<Base> base = make_base(BaseKind::mixture, 2, 3, engine);
  expect_a_value(base, [](auto& b) { move_theta(*b); }, [](const auto& b) { return b->theta(); });
}

TEST(Values, AModel) {
  expect_a_value(Model<double>{make_flow(), {}}, [](auto& m) { move_theta(m.flow); },
                 [](const auto& m) { return m.flow.theta(); });
}

TEST(Values, AnOptimizerAndAnAverage) {
  const Vector<double> ones = Vector<double>::Ones(3);
  expect_a_value(
      Adam(3),
      [&](auto& adam) {
        Vector<double> theta = ones;
        adam.step(theta, ones);
      },
      [](const auto& adam) { return adam.state().m; });
  expect_a_value(Ema(0.9, ones), [&](auto& ema) { ema.update(2 * ones); },
                 [](const auto& ema) { return ema.average(); });
}

TEST(Values, WhatIsSharedIsSharedByName) {
  auto field = make_field();
  const Cnf<double> first(field), second(field);
  move_theta(*field);
  EXPECT_EQ(first.theta(), second.theta());
  const Flow<double> flow = make_flow();
  Flow<double> shared = flow.share();
  move_theta(*shared.blocks()[0]->field);
  EXPECT_EQ(shared.theta(), flow.theta());
}

// The memory of threads is not copied by mistake.
TEST(Values, SolversMoveOnly) {
  static_assert(!std::is_copy_constructible_v<NllGradientSolver<double>>);
  static_assert(std::is_move_constructible_v<NllGradientSolver<double>>);
  static_assert(!std::is_copy_constructible_v<Solver<double>> && std::is_move_assignable_v<Solver<double>>);
}

}  // namespace
}  // namespace pathline

#include "pathline/ode/tableau.hpp"

#include <numeric>

#include <gtest/gtest.h>

#include "pathline/ode/solver.hpp"

namespace pathline {
namespace {

// A field that depends on time and is not linear, so that every coefficient counts.
struct Curved final : System<double> {
  void rates(double t, const State<double>& x, State<double>& dxdt) override {
    dxdt.flat() = (x.flat().array() * (1 + t)).sin() + t * t;
  }
};

class Tableaus : public ::testing::TestWithParam<StepperKind> {};

TEST_P(Tableaus, RowsSumToTheNodesAndWeightsToOne) {
  const Tableau& tableau = *find_tableau(GetParam());
  for (std::size_t i = 0; i < tableau.stages(); ++i) {
    EXPECT_EQ(tableau.a[i].size(), i);
    EXPECT_NEAR(std::accumulate(tableau.a[i].begin(), tableau.a[i].end(), 0.0), tableau.c[i], 1e-14);
  }
  EXPECT_NEAR(std::accumulate(tableau.b.begin(), tableau.b.end(), 0.0), 1, 1e-14);
}

TEST_P(Tableaus, AStepIsOdeintsStep) {
  const Tableau& tableau = *find_tableau(GetParam());
  const double t = 0.3, h = 0.2;
  Curved system;
  State<double> x(StateLayout{1, {2}, 1}), by_odeint = x, stage = x, k = x;
  x.flat() << 0.4, -1.1;
  by_odeint.flat() = x.flat();
  Solver<double> solver({.stepper = GetParam(), .steps = 1});
  solver.solve(system, by_odeint, t, t + h);
  std::vector<Vector<double>> ks;
  for (std::size_t i = 0; i < tableau.stages(); ++i) {
    stage.flat() = x.flat();
    for (std::size_t j = 0; j < i; ++j) stage.flat() += h * tableau.a[i][j] * ks[j];
    system.rates(t + tableau.c[i] * h, stage, k);
    ks.push_back(k.flat());
  }
  for (std::size_t i = 0; i < tableau.stages(); ++i) x.flat() += h * tableau.b[i] * ks[i];
  EXPECT_LT((x.flat() - by_odeint.flat()).cwiseAbs().maxCoeff(), 1e-15);
}

INSTANTIATE_TEST_SUITE_P(Every, Tableaus,
                         ::testing::Values(StepperKind::euler, StepperKind::midpoint, StepperKind::rk4,
                                           StepperKind::dopri5, StepperKind::cash_karp, StepperKind::fehlberg78),
                         [](const auto& info) { return to_string(info.param); });

}  // namespace
}  // namespace pathline

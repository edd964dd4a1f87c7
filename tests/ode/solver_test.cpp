#include "pathline/ode/solver.hpp"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/clock.hpp"
#include "message.hpp"
#include "pathline/core/error.hpp"
#include "pathline/ode/tableau.hpp"
#include "pathline/ode/time_limit.hpp"

namespace pathline {
namespace {

// dx/dt = A x, with a rotation and a decay: x(t) = e^{-t/2} (rotation by 2t) x(0).
template <class S> class Spiral final : public System<S> {
 public:
  void rates(double, const State<S>& x, State<S>& dxdt) override {
    const auto z = x.block(0);
    auto f = dxdt.block(0);
    f.row(0) = S(-0.5) * z.row(0) - S(2) * z.row(1);
    f.row(1) = S(2) * z.row(0) - S(0.5) * z.row(1);
  }
};

template <class S> State<S> start() {
  State<S> x(StateLayout{3, {2}, 1});
  x.block(0) << S(1), S(0), S(0.5), S(0), S(1), S(-0.5);
  return x;
}

Matrix<double> exact(double t) {
  Matrix<double> r(2, 2);
  r << std::cos(2 * t), -std::sin(2 * t), std::sin(2 * t), std::cos(2 * t);
  return std::exp(-t / 2) * r * start<double>().block(0);
}

double fixed_error(StepperKind kind, Index steps) {
  Spiral<double> system;
  Solver<double> solver({.stepper = kind, .steps = steps});
  auto x = start<double>();
  EXPECT_TRUE(solver.solve(system, x, 0, 1).ok());
  return (x.block(0) - exact(1)).cwiseAbs().maxCoeff();
}

TEST(Solver, EachFixedStepperShowsItsOrder) {
  // The step of fehlberg78 is large, or its error would be rounding: 8 and 16 steps to t = 1 suffice for the others.
  for (auto kind : {StepperKind::euler, StepperKind::midpoint, StepperKind::rk4, StepperKind::cash_karp,
                    StepperKind::dopri5, StepperKind::fehlberg78, StepperKind::adams_bashforth_moulton}) {
    const Index n = kind == StepperKind::fehlberg78 ? 2 : kind == StepperKind::euler ? 64 : 32;
    const double order = std::log2(fixed_error(kind, n) / fixed_error(kind, 2 * n));
    EXPECT_GT(order, stepper_order(kind) - 0.35) << to_string(kind);
    EXPECT_LT(order, stepper_order(kind) + 1.35) << to_string(kind);
  }
}

class AdaptiveSteppers : public ::testing::TestWithParam<StepperKind> {};

TEST_P(AdaptiveSteppers, MeetTheTolerance) {
  for (double tolerance : {1e-4, 1e-7, 1e-10}) {
    Spiral<double> system;
    Solver<double> solver({.stepper = GetParam(), .rtol = tolerance, .atol = tolerance});
    for (double end : {1.0, -1.0, 3.0}) {
      auto x = start<double>();
      const auto report = solver.solve(system, x, 0, end);
      EXPECT_TRUE(report.ok());
      EXPECT_EQ(report.t, end);
      EXPECT_GT(report.evaluations, report.accepted);
      // Errors of single steps add up: a few times the tolerance each unit of time.
      EXPECT_LT((x.block(0) - exact(end)).cwiseAbs().maxCoeff(), 30 * tolerance * std::max(1.0, std::exp(-end / 2)));
    }
  }
}

TEST_P(AdaptiveSteppers, PointsInsideAStepLieOnThePath) {
  struct Observer final : StepObserver<double> {
    void accepted(const Step<double>& step) override {
      for (double s : {0.2, 0.5, 0.9}) {
        const double t = step.t0 + s * (step.t1 - step.t0);
        step.at(t, x);
        worst = std::max(worst, (x.block(0) - exact(t)).cwiseAbs().maxCoeff());
      }
    }
    State<double> x;
    double worst = 0;
  } observer;
  Spiral<double> system;
  Solver<double> solver({.stepper = GetParam(), .rtol = 1e-8, .atol = 1e-8});
  auto x = start<double>();
  ASSERT_TRUE(solver.solve(system, x, 0, 2, &observer).ok());
  EXPECT_GT(observer.worst, 0);
  EXPECT_LT(observer.worst, 2e-6);  // a cubic through steps of 0.06: h^4 / 384 times |x''''| of 18
}

// The discrete adjoint takes the stages from these rates.
TEST(Solver, TheRatesOfAStepAreThoseOfItsTableau) {
  struct Observer final : StepObserver<double> {
    explicit Observer(const Tableau& tableau) : tableau(tableau) {}
    bool wants_rates() const override { return true; }
    void accepted(const Step<double>& step) override {
      const std::size_t n = tableau.stages();
      ASSERT_GE(step.rates.size(), n);
      const double h = step.t1 - step.t0;
      auto x1 = *step.x0;
      for (std::size_t i = 0; i < n; ++i) {
        auto stage = *step.x0, rate = stage;
        for (std::size_t j = 0; j < i; ++j) stage.flat() += h * tableau.a[i][j] * step.rates[j].flat();
        Spiral<double>().rates(0, stage, rate);
        EXPECT_LT((rate.flat() - step.rates[i].flat()).cwiseAbs().maxCoeff(), 1e-13) << "stage " << i + 1;
        x1.flat() += h * tableau.b[i] * step.rates[i].flat();
      }
      EXPECT_LT((x1.flat() - step.x1->flat()).cwiseAbs().maxCoeff(), 1e-13);
      ++steps;
    }
    const Tableau& tableau;
    int steps = 0;
  };
  for (auto kind : {StepperKind::euler, StepperKind::midpoint, StepperKind::rk4, StepperKind::cash_karp,
                    StepperKind::dopri5, StepperKind::fehlberg78})
    for (const Index fixed : {0, 3}) {
      if (fixed == 0 && !has_error_estimate(kind)) continue;
      SCOPED_TRACE(to_string(kind));
      Observer observer(*find_tableau(kind));
      Spiral<double> system;
      auto x = start<double>();
      // So coarse that adaptive steps are rejected as well.
      ASSERT_TRUE(Solver<double>({.stepper = kind, .rtol = 1e-4, .atol = 1e-4, .steps = fixed})
                      .solve(system, x, 0, 2, &observer, 1.5)
                      .ok());
      EXPECT_GT(observer.steps, 1);
    }
}

struct Broken final : System<double> {
  explicit Broken(double from) : from(from) {}
  double from;
  void rates(double t, const State<double>& x, State<double>& dxdt) override {
    dxdt.flat() = x.flat() * (t >= from ? std::nan("") : 1.0);
  }
};

// Only the integral moves: Fehlberg's own estimate is zero then, and took this in steps of any length.
TEST_P(AdaptiveSteppers, AnIntegralBesideAPathAtRestMeetsTheTolerance) {
  struct Integral final : System<double> {
    void rates(double t, const State<double>&, State<double>& dxdt) override {
      dxdt.block(0).setZero();
      dxdt.block(1).setConstant(5 * std::sin(7 * t) * std::sin(7 * t));
    }
  } system;
  const double exact = 2.5 - 5 * std::sin(14.0) / 28;
  for (double tolerance : {1e-4, 1e-6, 1e-8}) {
    Solver<double> solver({.stepper = GetParam(), .rtol = tolerance, .atol = tolerance});
    State<double> x(StateLayout{1, {2, 1}, 2});
    x.flat().setZero();
    ASSERT_TRUE(solver.solve(system, x, 0, 1).ok());
    EXPECT_NEAR(x.flat()[2], exact, 30 * tolerance);
  }
}

// x' = -100 (x - 0.999) from 1, without a value below 0.999: the trial step of Hairer's estimate lands there.
TEST_P(AdaptiveSteppers, AFieldThatEndsJustBelowTheStartIsFollowed) {
  struct Edge final : System<double> {
    void rates(double, const State<double>& x, State<double>& dxdt) override {
      dxdt.flat() = (x.flat().array() >= 0.999).select(-100 * (x.flat().array() - 0.999), std::nan("")).matrix();
    }
  } system;
  Solver<double> solver({.stepper = GetParam()});
  State<double> x(StateLayout{1, {1}, 1});
  x.flat() << 1;
  EXPECT_TRUE(solver.solve(system, x, 0, 0.1).ok());
  EXPECT_NEAR(x.flat()[0], 0.999 + 0.001 * std::exp(-10), 1e-5);
}

TEST_P(AdaptiveSteppers, AFieldThatIsNotFiniteFurtherOnIsNotCalledSteep) {
  Broken system(0.5);
  Solver<double> solver({.stepper = GetParam()});
  auto x = start<double>();
  EXPECT_EQ(solver.solve(system, x, 0, 1).status, SolveStatus::not_finite);
}

TEST_P(AdaptiveSteppers, AStateThatOverflowsIsNoSuccess) {
  struct Growth final : System<double> {
    void rates(double, const State<double>&, State<double>& dxdt) override { dxdt.flat().setConstant(1e308); }
  } system;
  Solver<double> solver({.stepper = GetParam()});
  State<double> x(StateLayout{1, {1}, 1});
  x.flat() << 1e308;
  EXPECT_FALSE(solver.solve(system, x, 0, 1).ok());
}

TEST_P(AdaptiveSteppers, AnIntervalOfAFewRoundingErrorsIsOneStep) {
  Spiral<double> system;
  Solver<double> solver({.stepper = GetParam()});
  for (double from : {1 - 1.2e-16, 1 - 8e-16}) {
    auto x = start<double>();
    EXPECT_TRUE(solver.solve(system, x, from, 1).ok());
    EXPECT_LT((x.block(0) - start<double>().block(0)).cwiseAbs().maxCoeff(), 1e-14);
  }
}

INSTANTIATE_TEST_SUITE_P(Every, AdaptiveSteppers,
                         ::testing::Values(StepperKind::cash_karp, StepperKind::dopri5, StepperKind::fehlberg78,
                                           StepperKind::bulirsch_stoer),
                         [](const auto& info) { return to_string(info.param); });

TEST_P(AdaptiveSteppers, NanNeitherPassesNorLoopsForever) {
  for (double from : {0.0, 0.5}) {
    Broken system(from);
    Solver<double> solver({.stepper = GetParam()});
    auto x = start<double>();
    const auto report = solver.solve(system, x, 0, 1);
    EXPECT_FALSE(report.ok());
    EXPECT_FALSE(report.advice().empty());
    EXPECT_LE(report.t, 0.5 + 1e-9);
  }
}

TEST(Solver, StepLimitSaysWhereAndWhatToTry) {
  Spiral<double> system;
  Solver<double> solver({.rtol = 1e-12, .atol = 1e-12, .max_steps = 7});
  auto x = start<double>();
  const auto report = solver.solve(system, x, 0, 1);
  EXPECT_EQ(report.status, SolveStatus::step_limit);
  EXPECT_EQ(report.accepted + report.rejected, 7);
  EXPECT_NE(report.advice().find("step limit of 7 reached at t = 0."), std::string::npos) << report.advice();
}

TEST(Solver, ATimeLimitEndsASolveThatWouldTakeMinutes) {
  limit_solve_time(0.05);
  for (const SolverOptions options :
       {SolverOptions{.rtol = 1e-12, .atol = 1e-12, .max_steps = 1000000000},
        SolverOptions{.stepper = StepperKind::bulirsch_stoer, .rtol = 1e-13, .atol = 1e-13, .max_steps = 1000000000},
        SolverOptions{.stepper = StepperKind::rk4, .steps = 900000000, .max_steps = 1000000000}}) {
    Spiral<double> system;
    Solver<double> solver(options);
    auto x = start<double>();
    const double begin = seconds_now();
    EXPECT_THAT(message<NumericalError>([&] { solver.solve(system, x, 0, 1e8); }),
                testing::StartsWith("time limit of 0.05 s reached at t = "))
        << to_string(options.stepper);
    EXPECT_LT(seconds_now() - begin, 10);  // a busy machine
  }
  limit_solve_time(0);
  EXPECT_EQ(message([] { limit_solve_time(-1); }), "timeout = -1: must be >= 0 (0: no limit)");
}

// A check of `verify` makes many solves, each of which kept the limit: the check of a stiff model took minutes.
TEST(Solver, ALimitOfAllSolvesTogetherEndsManyShortOnes) {
  constexpr int kMost = 100000000;  // would take an hour
  Spiral<double> system;
  Solver<double> solver({.rtol = 1e-9, .atol = 1e-9});
  auto x = start<double>();
  int solves = 0;
  {
    const CommonTimeLimit limit(0.05);
    EXPECT_THAT(message<NumericalError>([&] {
                  for (; solves < kMost; ++solves) solver.solve(system, x, 0, 1);
                }),
                testing::StartsWith("time limit of 0.05 s reached at t = "));
  }
  EXPECT_LT(solves, kMost);
  EXPECT_TRUE(solver.solve(system, x, 0, 1).ok());  // the limit has ended
  EXPECT_EQ(message([] { CommonTimeLimit limit(-1); }), "timeout = -1: must be >= 0 (0: no limit)");
}

TEST(Solver, ATimeLimitThatIsNotReachedChangesNoBit) {
  Spiral<double> system;
  auto x = start<double>(), y = start<double>();
  Solver<double>({.rtol = 1e-9, .atol = 1e-9}).solve(system, x, 0, 1);
  limit_solve_time(1000);
  Solver<double>({.rtol = 1e-9, .atol = 1e-9}).solve(system, y, 0, 1);
  limit_solve_time(0);
  EXPECT_EQ(x.flat(), y.flat());
}

TEST(Solver, NanInFixedStepsIsReported) {
  Broken system(0.5);
  Solver<double> solver({.stepper = StepperKind::rk4, .steps = 4});
  auto x = start<double>();
  EXPECT_EQ(solver.solve(system, x, 0, 1).status, SolveStatus::not_finite);
}

TEST(Solver, FirstStageOfDopri5IsNotEvaluatedAgain) {
  Spiral<double> system;
  Solver<double> solver({.steps = 10});
  auto x = start<double>();
  EXPECT_EQ(solver.solve(system, x, 0, 1).evaluations, 1 + 6 * 10);
}

TEST(Solver, NormIsTheWorstSampleAndNanIsInfinite) {
  StateLayout layout{2, {2, 1}, 1};
  State<double> x(layout);
  x.flat() << 3, 4, 0, 0, 100, 100;  // the second block is not normed
  EXPECT_DOUBLE_EQ(sample_norm(layout, x.data()), std::sqrt(12.5));
  x.flat()[2] = std::nan("");
  EXPECT_TRUE(std::isinf(sample_norm(layout, x.data())));
}

TEST(Solver, BadOptionsAreNamed) {
  EXPECT_THROW(Solver<double>({.rtol = -1}), InputError);
  EXPECT_THROW(Solver<double>({.atol = std::nan("")}), InputError);
  EXPECT_THROW(Solver<double>({.stepper = StepperKind::rk4}), InputError);
  EXPECT_THROW(Solver<double>({.stepper = StepperKind::bulirsch_stoer, .steps = 4}), InputError);
  EXPECT_THROW(parse_stepper("dopri6"), InputError);
}

}  // namespace
}  // namespace pathline

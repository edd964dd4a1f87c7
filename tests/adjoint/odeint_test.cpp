#include "pathline/adjoint/odeint.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unsupported/Eigen/MatrixFunctions>

#include "message.hpp"
#include "pathline/core/error.hpp"
#include "pathline/field/autodiff_field.hpp"
#include "pathline/field/mlp.hpp"

namespace pathline {
namespace {

using ::testing::HasSubstr;

constexpr AdjointKind kKinds[] = {AdjointKind::discrete, AdjointKind::checkpointed, AdjointKind::backsolve};

template <class S> Matrix<S> random_matrix(Index rows, Index cols, std::uint64_t seed) {
  Engine engine = make_stream(seed, "odeint_test");
  Matrix<S> m(rows, cols);
  fill_normal<S>(engine, m);
  return m;
}

// dz/dt = A z.
std::unique_ptr<Mlp<double>> linear_field(const Matrix<double>& a) {
  auto field = std::make_unique<Mlp<double>>(MlpOptions{.dim = a.rows(), .hidden = {}, .layer = LayerType::ignore});
  Vector<double> theta = Vector<double>::Zero(field->theta().size());
  theta.head(a.size()) = a.transpose().reshaped();  // row-major
  field->set_theta(theta);
  return field;
}

// A nonlinear field that depends on time and a condition.
std::unique_ptr<Mlp<double>> network() {
  auto field = std::make_unique<Mlp<double>>(MlpOptions{.dim = 3, .condition_dim = 2, .hidden = {7, 6}});
  Engine engine = make_stream(3, "odeint_test.network");
  field->initialize(engine, 2);
  return field;
}

class OdeintStrategies : public ::testing::TestWithParam<AdjointKind> {};

// z(t) = exp(A t) z0, and the derivative of exp(A t) in the direction E is the upper right block of the exponential of
// [[A, E], [0, A]] t (Van Loan 1978).
TEST_P(OdeintStrategies, LinearFieldHasItsClosedForm) {
  const Index d = 3, batch = 4;
  const Matrix<double> a = 0.5 * random_matrix<double>(d, d, 1), z0 = random_matrix<double>(d, batch, 2);
  const std::vector<double> times = {0.2, 0.5, 1.4, 1.5};
  const auto owned = linear_field(a);
  const auto& field = *owned;
  const double tolerance = 1e-11;
  Odeint<double> ode({.solver = {.rtol = tolerance, .atol = tolerance}, .adjoint = GetParam(), .tile = 3});
  const Matrix<double> z = ode.solve(field, z0, times);
  const Matrix<double> bar = random_matrix<double>(d, z.cols(), 3);
  const auto& g = ode.pullback(field, bar);

  const Matrix<double> direction = random_matrix<double>(d, d, 4);
  Matrix<double> z0_bar = Matrix<double>::Zero(d, batch), both = Matrix<double>::Zero(2 * d, 2 * d);
  Vector<double> times_bar = Vector<double>::Zero(4);
  double along = 0;
  for (Index k = 0; k < 4; ++k) {
    const double t = times[static_cast<std::size_t>(k)] - times[0];
    both << a * t, direction * t, Matrix<double>::Zero(d, d), a * t;
    const Matrix<double> e = both.exp();
    const Matrix<double> state = e.topLeftCorner(d, d) * z0;
    const auto bar_k = bar.middleCols(k * batch, batch);
    EXPECT_LT((z.middleCols(k * batch, batch) - state).norm(), 1e-9) << k;
    z0_bar += e.topLeftCorner(d, d).transpose() * bar_k;
    along += (e.topRightCorner(d, d) * z0).cwiseProduct(bar_k).sum();
    // A later time moves the state along f; a later start moves all of them back.
    if (k > 0) times_bar[k] = (a * state).cwiseProduct(bar_k).sum();
  }
  times_bar[0] = -(z0_bar - bar.leftCols(batch)).cwiseProduct(a * z0).sum();
  const double kTol = 1e-8;  // the solves' tolerance, over some tens of steps
  EXPECT_LT((g.z0 - z0_bar).norm(), kTol * z0_bar.norm());
  EXPECT_NEAR(g.theta.head(d * d).dot(Vector<double>(direction.transpose().reshaped())), along,
              kTol * (1 + std::abs(along)));
  EXPECT_LT((g.times - times_bar).norm(), kTol * times_bar.norm());
}

// Central differences at a tolerance that leaves them seven digits.
TEST_P(OdeintStrategies, EveryCotangentAgreesWithDifferences) {
  const auto owned = network();
  auto& field = *owned;
  const Index batch = 5;
  const Matrix<double> z0 = random_matrix<double>(3, batch, 5), c = random_matrix<double>(2, batch, 6);
  const Matrix<double> bar = random_matrix<double>(3, 4 * batch, 7);
  for (const bool backward : {false, true}) {
    const std::vector<double> times =
        backward ? std::vector<double>{1.0, 0.6, 0.5, -0.3} : std::vector<double>{-0.3, 0.5, 0.6, 1.0};
    Odeint<double> ode({.solver = {.rtol = 1e-11, .atol = 1e-11}, .adjoint = GetParam(), .tile = 2});
    ode.solve(field, z0, times, c);
    const auto g = ode.pullback(field, bar);
    const double h = 1e-4, kTol = 1e-6;  // h^2 times a third derivative, and 1e-11 / h
    auto loss = [&](const Matrix<double>& z, const std::vector<double>& t, const Matrix<double>& condition) {
      return odeint(field, z, t, ode.options(), condition).cwiseProduct(bar).sum();
    };
    const Matrix<double> dz = random_matrix<double>(3, batch, 8), dc = random_matrix<double>(2, batch, 9);
    EXPECT_NEAR(g.z0.cwiseProduct(dz).sum(), (loss(z0 + h * dz, times, c) - loss(z0 - h * dz, times, c)) / (2 * h),
                kTol);
    EXPECT_NEAR(g.condition.cwiseProduct(dc).sum(),
                (loss(z0, times, c + h * dc) - loss(z0, times, c - h * dc)) / (2 * h), kTol);
    for (std::size_t k = 0; k < times.size(); ++k) {
      auto up = times, down = times;
      up[k] += h, down[k] -= h;
      EXPECT_NEAR(g.times[static_cast<Index>(k)], (loss(z0, up, c) - loss(z0, down, c)) / (2 * h), kTol) << k;
    }
    const Vector<double> theta = field.theta(), by = random_matrix<double>(theta.size(), 1, 10);
    field.set_theta(theta + h * by);
    const double up = loss(z0, times, c);
    field.set_theta(theta - h * by);
    const double down = loss(z0, times, c);
    field.set_theta(theta);
    EXPECT_NEAR(g.theta.dot(by), (up - down) / (2 * h), 1e-6 * by.norm());
  }
}

TEST_P(OdeintStrategies, AdjointJumpsAtEachObservation) {
  const auto owned = network();
  const auto& field = *owned;
  const Matrix<double> z0 = random_matrix<double>(3, 2, 5), c = random_matrix<double>(2, 2, 6);
  Odeint<double> ode({.solver = {.rtol = 1e-9, .atol = 1e-9}, .adjoint = GetParam()});
  Matrix<double> first = Matrix<double>::Zero(3, 6), middle = first, both = first;
  first.leftCols(2).setConstant(0.7), middle.middleCols(2, 2).setConstant(-1.3);
  both = first + middle;
  ode.solve(field, z0, {0, 0.5, 1}, c);
  const auto of_first = ode.pullback(field, first), of_middle = ode.pullback(field, middle),
             of_both = ode.pullback(field, both);
  EXPECT_EQ(of_first.z0, first.leftCols(2));  // the state at times[0] is z0 itself
  EXPECT_EQ(of_first.theta.norm(), 0);
  EXPECT_EQ(of_middle.times[2], 0);  // nothing after the last observation that counts
  EXPECT_GT(of_middle.theta.norm(), 0);
  EXPECT_LT((of_both.z0 - of_first.z0 - of_middle.z0).norm(), 1e-12);
  // The same as a solve that ends there.
  ode.solve(field, z0, {0, 0.5}, c);
  const auto shorter = ode.pullback(field, middle.leftCols(4));
  EXPECT_LT((of_middle.theta - shorter.theta).norm(), 1e-7 * shorter.theta.norm());
}

INSTANTIATE_TEST_SUITE_P(Three, OdeintStrategies, ::testing::ValuesIn(kKinds),
                         [](const auto& info) { return to_string(info.param); });

// The discrete adjoint is the gradient of what was computed: a few coarse steps of every method show it.
class OdeintSteppers : public ::testing::TestWithParam<StepperKind> {};

TEST_P(OdeintSteppers, DiscreteAdjointIsExactAtTwoSteps) {
  const auto owned = network();
  auto& field = *owned;
  const Matrix<double> z0 = random_matrix<double>(3, 4, 5), c = random_matrix<double>(2, 4, 6);
  const Matrix<double> bar = random_matrix<double>(3, 12, 7);
  const std::vector<double> times = {0, 0.9, 1.1};
  Odeint<double> ode({.solver = {.stepper = GetParam(), .steps = 2}});
  ode.solve(field, z0, times, c);
  const auto g = ode.pullback(field, bar);
  auto loss = [&](const std::vector<double>& t) {
    return odeint(field, z0, t, ode.options(), c).cwiseProduct(bar).sum();
  };
  const double h = 1e-5, kTol = 1e-8;
  for (std::size_t k = 0; k < times.size(); ++k) {
    auto up = times, down = times;
    up[k] += h, down[k] -= h;
    EXPECT_NEAR(g.times[static_cast<Index>(k)], (loss(up) - loss(down)) / (2 * h), kTol) << k;
  }
  const Vector<double> theta = field.theta(), by = random_matrix<double>(theta.size(), 1, 10).normalized();
  field.set_theta(theta + h * by);
  const double up = loss(times);
  field.set_theta(theta - h * by);
  const double down = loss(times);
  EXPECT_NEAR(g.theta.dot(by), (up - down) / (2 * h), kTol);
}

INSTANTIATE_TEST_SUITE_P(Every, OdeintSteppers,
                         ::testing::Values(StepperKind::euler, StepperKind::midpoint, StepperKind::rk4,
                                           StepperKind::dopri5, StepperKind::cash_karp, StepperKind::fehlberg78),
                         [](const auto& info) { return to_string(info.param); });

TEST(Odeint, AnyNumberOfThreadsGivesTheSameBits) {
  const auto owned = network();
  const auto& field = *owned;
  const Matrix<double> z0 = random_matrix<double>(3, 20, 5), c = random_matrix<double>(2, 20, 6);
  const Matrix<double> bar = random_matrix<double>(3, 40, 7);
  Odeint<double> one({.tile = 7}), three({.tile = 7, .threads = 3});
  EXPECT_EQ(one.solve(field, z0, {0, 1}, c), three.solve(field, z0, {0, 1}, c));
  EXPECT_EQ(one.pullback(field, bar).theta, three.pullback(field, bar).theta);
  EXPECT_EQ(one.pullback(field, bar).z0, three.pullback(field, bar).z0);
}

// A second problem of another shape may not see what the first one left.
TEST(Odeint, IsReusedForAnotherShape) {
  const auto owned = network();
  const auto& field = *owned;
  Odeint<double> used, fresh;
  used.solve(field, random_matrix<double>(3, 90, 1), {0, 0.3, 0.5, 1}, random_matrix<double>(2, 90, 2));
  used.pullback(field, random_matrix<double>(3, 360, 3));
  const Matrix<double> z0 = random_matrix<double>(3, 2, 5), c = random_matrix<double>(2, 2, 6);
  const Matrix<double> bar = random_matrix<double>(3, 4, 7);
  for (auto* ode : {&used, &fresh}) ode->solve(field, z0, {0, 1}, c);
  EXPECT_EQ(used.pullback(field, bar).theta, fresh.pullback(field, bar).theta);
}

TEST(Odeint, FloatAgreesWithDouble) {
  const auto owned = network();
  const auto& field = *owned;
  Mlp<float> narrow(field.options());
  narrow.set_theta(field.theta().cast<float>());
  const Matrix<double> z0 = random_matrix<double>(3, 4, 5), c = random_matrix<double>(2, 4, 6);
  const Matrix<double> bar = random_matrix<double>(3, 8, 7);
  Odeint<double> wide;
  Odeint<float> ode;
  wide.solve(field, z0, {0, 1}, c);
  ode.solve(narrow, z0.cast<float>(), {0, 1}, c.cast<float>());
  const auto& g = wide.pullback(field, bar);
  EXPECT_LT((ode.pullback(narrow, bar.cast<float>()).theta.cast<double>() - g.theta).norm(), 1e-4 * g.theta.norm());
}

TEST(Odeint, FieldWithoutParametersHasTheOtherGradients) {
  const auto field =
      make_field<double>([](const auto& t, const auto& z, const auto&, const auto&, auto& f) { f[0] = t * z[0]; }, 1);
  const Matrix<double> z0{{2.0}};
  Odeint<double> ode({.solver = {.rtol = 1e-10, .atol = 1e-10}});
  const Matrix<double> z = ode.solve(*field, z0, {0.5, 1.5});
  const double growth = std::exp((1.5 * 1.5 - 0.5 * 0.5) / 2);
  EXPECT_NEAR(z(0, 1), 2 * growth, 1e-8);
  const auto& g = ode.pullback(*field, Matrix<double>{{0.0, 1.0}});
  EXPECT_NEAR(g.z0(0, 0), growth, 1e-8);
  EXPECT_NEAR(g.times[1], 1.5 * 2 * growth, 1e-7);
  EXPECT_NEAR(g.times[0], -0.5 * 2 * growth, 1e-7);
}

TEST(Odeint, OneTimeIsTheStateItself) {
  const auto owned = linear_field(Matrix<double>::Identity(2, 2));
  const auto& field = *owned;
  const Matrix<double> z0 = random_matrix<double>(2, 3, 1);
  Odeint<double> ode;
  EXPECT_EQ(ode.solve(field, z0, {0.4}), z0);
  EXPECT_EQ(ode.pullback(field, z0).z0, z0);
}

TEST(Odeint, FailedSolveLeavesNaNAndRefusesItsPullback) {
  const auto field =
      make_field<double>([](const auto&, const auto& z, const auto&, const auto&, auto& f) { f[0] = z[0] * z[0]; },
                         1);  // 1 / (1 - t): infinite at t = 1
  Odeint<double> ode;
  const Matrix<double> z = ode.solve(*field, Matrix<double>{{1.0}}, {0, 0.5, 2.0});
  EXPECT_NEAR(z(0, 1), 2, 1e-3);
  EXPECT_TRUE(std::isnan(z(0, 2)));
  EXPECT_FALSE(ode.report().ok());
  EXPECT_THROW(ode.pullback(*field, z), NumericalError);
  EXPECT_THROW(odeint(*field, Matrix<double>{{1.0}}, {0, 2.0}), NumericalError);
  ode.solve(*field, Matrix<double>{{std::nan("")}}, {0, 0.5});
  EXPECT_FALSE(ode.report().ok());
}

TEST(Odeint, ArgumentsOfOtherShapesAreRefusedByName) {
  const auto owned = network();
  const auto& field = *owned;
  const Matrix<double> z0 = Matrix<double>::Zero(3, 2), c = Matrix<double>::Zero(2, 2);
  Odeint<double> ode;
  EXPECT_THAT(message([&] { ode.solve(field, z0, {}, c); }), HasSubstr("times: must have"));
  EXPECT_THAT(message([&] { ode.solve(field, z0, {0, 1, 1}, c); }), HasSubstr("times[2] = 1: must be > times[1]"));
  EXPECT_THAT(message([&] { ode.solve(field, z0, {0, -1, 0}, c); }), HasSubstr("times[2] = 0: must be < times[1]"));
  EXPECT_THAT(message([&] { ode.solve(field, z0, {0, std::nan("")}, c); }), HasSubstr("times[1] = nan: must be"));
  EXPECT_THAT(message([&] { ode.solve(field, c, {0, 1}, c); }), HasSubstr("z0: 2 x 2: must be"));
  EXPECT_THAT(message([&] { ode.solve(field, z0, {0, 1}); }), HasSubstr("condition: 0 x 0: must be 2 x 2"));
  ode.solve(field, z0, {0, 1}, c);
  EXPECT_THAT(message([&] { ode.pullback(field, z0); }), HasSubstr("states_bar: 3 x 2: must be 3 x 4"));
  EXPECT_THAT(message([&] { Odeint<double>({.tile = 0}); }), HasSubstr("tile = 0"));
  EXPECT_THAT(message([&] { Odeint<double>({.solver = {.stepper = StepperKind::bulirsch_stoer}}); }),
              HasSubstr("discrete adjoint needs"));
}

}  // namespace
}  // namespace pathline

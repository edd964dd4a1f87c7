#include "pathline/objective/nll_gradient.hpp"

#include <gtest/gtest.h>

#include "pathline/checkpoint/ffjord.hpp"
#include "pathline/core/error.hpp"
#include "pathline/field/mlp.hpp"
#include "pathline/io/hdf5.hpp"
#include "paths.hpp"

namespace pathline {
namespace {

// dNLL/dT of a chain of one.
template <class S> double end_time(const Flow<S>& flow, const NllGradient& g) {
  return flow.blocks()[0]->clock == FieldClock::data_to_base ? g.ends[0].base : g.ends[0].data;
}

const std::string kFixture = fixtures_dir() + "/ffjord_8gaussians.h5";

// FFJORD's network and 100 points; the reference is PyTorch's autograd through fine RK4 steps and not the fixture's own
// `gradient`, which central differences of the fixture's own log-density contradict (see reference_gradient.py).
class Strategies : public ::testing::TestWithParam<AdjointKind> {};

TEST_P(Strategies, WholeGradientAgreesWithAutograd) {
  const auto flow = read_ffjord<double>(kFixture);
  const auto fixture = Hdf5File::open(kFixture);
  const auto reference = Hdf5File::open(fixtures_dir() + "/gradient_8gaussians.h5");
  const Matrix<double> x = fixture.read_matrix<double>("points").leftCols(100);
  const auto g =
      nll_gradient(flow, x, Matrix<double>(0, 0), {.solver = {.rtol = 1e-10, .atol = 1e-10}, .adjoint = GetParam()});
  EXPECT_NEAR(g.nll, fixture.group("gradient").attribute<double>("value"), 1e-8);
  for (const auto& p : flow.blocks()[0]->field->parameters()) {
    const auto values = reference.dataset("gradient/" + p.name).values<double>();
    const ConstVectorMap<double> expected(values.data(), p.size());
    EXPECT_LT((g.theta.segment(p.offset, p.size()) - expected).norm(), 1e-6 * expected.norm()) << p.name;
  }
  const auto score = reference.read_matrix<double>("score");
  EXPECT_LT((-100 * g.z - score).norm(), 1e-6 * score.norm());
  // T = sqrt_end_time^2. FFJORD itself loses this gradient: T never moves there. The fixture's is a central difference.
  const double root = fixture.group("parameters").dataset("sqrt_end_time").values<double>()[0];
  const double autograd = reference.dataset("gradient/sqrt_end_time").values<double>()[0];
  const double differences = fixture.group("gradient").dataset("sqrt_end_time").values<double>()[0];
  EXPECT_NEAR(end_time(flow, g) * 2 * root, autograd, 1e-6 * std::abs(autograd));
  EXPECT_NEAR(end_time(flow, g) * 2 * root, differences, 1e-5 * std::abs(differences));
}

INSTANTIATE_TEST_SUITE_P(Three, Strategies,
                         ::testing::Values(AdjointKind::discrete, AdjointKind::checkpointed, AdjointKind::backsolve),
                         [](const auto& info) { return to_string(info.param); });

// What settles which reference is right: central differences of the log-density, which the fixture confirms to 1e-7.
TEST(NllGradient, GradientAgreesWithDifferencesOfTheConfirmedLogDensity) {
  const auto flow = read_ffjord<double>(kFixture);
  const Matrix<double> x = Hdf5File::open(kFixture).read_matrix<double>("points").leftCols(20), none(0, 0);
  const GradientOptions fine{.solver = {.rtol = 1e-10, .atol = 1e-10}};
  const EvaluationOptions evaluation{.solver = fine.solver};
  const Vector<double> theta = flow.blocks()[0]->field->theta();
  const auto g = nll_gradient(flow, x, none, fine);
  Engine engine = make_stream(2, "direction");
  Matrix<double> direction(theta.size(), 1);
  fill_normal<double>(engine, direction);
  const double h = 1e-5;  // error: h^2 and 1e-9 / h of the solves, of a derivative of order 1
  flow.blocks()[0]->field->set_theta(theta + h * direction);
  const double up = -flow.log_prob(x, none, evaluation).log_prob.mean();
  flow.blocks()[0]->field->set_theta(theta - h * direction);
  const double down = -flow.log_prob(x, none, evaluation).log_prob.mean();
  flow.blocks()[0]->field->set_theta(theta);
  EXPECT_NEAR(g.theta.dot(direction.col(0)), (up - down) / (2 * h), 1e-5);
}

// The exact gradient of what was computed: with fixed steps, however few, finite differences must agree.
class DiscreteSteppers : public ::testing::TestWithParam<std::tuple<StepperKind, FieldClock, TraceKind>> {};

TEST_P(DiscreteSteppers, FiniteDifferencesAgreeAtThreeSteps) {
  const auto [stepper, clock, trace] = GetParam();
  auto field = std::make_shared<Mlp<double>>(MlpOptions{.hidden = {9, 8}});
  Engine engine = make_stream(5, "discrete_test");
  field->initialize(engine);
  Flow<double> flow(Cnf<double>{field, 0.8, clock});
  flow.standardize(Vector<double>{{0.3, -0.2}}, Vector<double>{{1.5, 0.7}});
  Matrix<double> x(2, 7), none(0, 0);
  fill_normal<double>(engine, x);
  const GradientOptions options{.solver = {.stepper = stepper, .steps = 3}, .trace = {.kind = trace}, .tile = 4};
  const auto g = nll_gradient(flow, x, none, options);

  const Vector<double> theta = field->theta();
  Matrix<double> direction(theta.size(), 1);
  fill_normal<double>(engine, direction);
  const double h = 1e-5;
  auto nll = [&](double along, double time) {
    field->set_theta(theta + along * direction);
    Flow<double> moved = flow.share();
    moved.blocks()[0]->end_time += time;
    return nll_gradient(moved, x, none, options).nll;
  };
  const double along = (nll(h, 0) - nll(-h, 0)) / (2 * h), time = (nll(0, h) - nll(0, -h)) / (2 * h);
  EXPECT_NEAR(g.theta.dot(direction.col(0)), along, 1e-7 * (1 + std::abs(along)));
  EXPECT_NEAR(end_time(flow, g), time, 1e-7 * (1 + std::abs(time)));

  field->set_theta(theta);
  Matrix<double> up = x, down = x;
  up(0, 5) += h * flow.scale()[0], down(0, 5) -= h * flow.scale()[0];
  const double across =
      (nll_gradient(flow, up, none, options).nll - nll_gradient(flow, down, none, options).nll) / (2 * h);
  EXPECT_NEAR(g.z(0, 5), across, 1e-7 * (1 + std::abs(across)));
}

INSTANTIATE_TEST_SUITE_P(Every, DiscreteSteppers,
                         ::testing::Combine(::testing::Values(StepperKind::euler, StepperKind::midpoint,
                                                              StepperKind::rk4, StepperKind::dopri5,
                                                              StepperKind::cash_karp, StepperKind::fehlberg78),
                                            ::testing::Values(FieldClock::base_to_data, FieldClock::data_to_base),
                                            ::testing::Values(TraceKind::exact, TraceKind::hutchinson)));

TEST(NllGradient, AnyNumberOfThreadsGivesTheSameBits) {
  const auto flow = read_ffjord<float>(kFixture);
  const Matrix<double> x = Hdf5File::open(kFixture).read_matrix<double>("points").leftCols(120), none(0, 0);
  const auto one = nll_gradient(flow, x);
  const auto three = nll_gradient(flow, x, none, {.threads = 3});
  EXPECT_EQ(one.theta, three.theta);
  EXPECT_EQ(one.nll, three.nll);
}

TEST(NllGradient, ASolveBeginsWithTheStepOfTheLastCall) {
  const auto flow = read_ffjord<double>(kFixture);
  const Matrix<double> x = Hdf5File::open(kFixture).read_matrix<double>("points").leftCols(120), none(0, 0);
  const GradientOptions options{.solver = {.rtol = 1e-8, .atol = 1e-8}};
  NllGradientSolver<double> solver(options);
  const auto estimated = solver(flow, x, none, 0);
  const auto steps = solver.first_steps();
  EXPECT_EQ(steps.size(), 3u);  // a tile each
  const auto carried = solver(flow, x, none, 1);
  EXPECT_EQ(carried.nfe, estimated.nfe - 1);  // Hairer's estimate takes one
  // Where the estimate was accepted as it stood, the steps are the same ones.
  EXPECT_LT((carried.theta - estimated.theta).norm(), 1e-7 * estimated.theta.norm());
  // What a resumed run does: bitwise the same.
  NllGradientSolver<double> resumed(options);
  resumed.set_first_steps(steps);
  EXPECT_EQ(resumed(flow, x, none, 1).theta, carried.theta);
}

// Another field whose clock is ahead: solving it from 0 to T is solving the field from `ahead` to T + ahead.
class Ahead final : public VectorField<double> {
 public:
  Ahead(std::shared_ptr<Mlp<double>> field, double ahead)
      : VectorField(2, 0), field_(std::move(field)), ahead_(ahead) {}
  std::unique_ptr<VectorField<double>> clone() const override { return std::make_unique<Ahead>(*this); }
  void value(const FieldPoint<double>& x, MatrixRef<double> f, Workspace<double>& w) const override {
    field_->value({x.t + ahead_, x.z, x.c}, f, w);
  }
  void tangents(const FieldPoint<double>& x, const TangentDirections<double>& e, MatrixRef<double> f,
                MatrixRef<double> je, Workspace<double>& w) const override {
    field_->tangents({x.t + ahead_, x.z, x.c}, e, f, je, w);
  }
  void pullback(const FieldPoint<double>& x, const TangentDirections<double>& e, ConstMatrixRef<double> f_bar,
                ConstMatrixRef<double> je_bar, FieldCotangent<double> out, Workspace<double>& w) const override {
    Vector<double> theta_bar = Vector<double>::Zero(field_->theta().size());
    field_->pullback({x.t + ahead_, x.z, x.c}, e, f_bar, je_bar, {out.z, out.c, theta_bar, out.t}, w);
  }

 private:
  std::shared_ptr<Mlp<double>> field_;
  double ahead_;
};

// Both ends of every strategy: moved together, they are a field's clock.
TEST(NllGradient, TheGradientsOfBothEndTimesAreRight) {
  auto field = std::make_shared<Mlp<double>>(MlpOptions{.hidden = {9, 8}});
  Engine engine = make_stream(6, "ends");
  field->initialize(engine);
  Matrix<double> x(2, 7), none(0, 0);
  fill_normal<double>(engine, x);
  for (auto clock : {FieldClock::base_to_data, FieldClock::data_to_base})
    for (auto adjoint : {AdjointKind::discrete, AdjointKind::checkpointed, AdjointKind::backsolve}) {
      const GradientOptions options{.solver = {.rtol = 1e-10, .atol = 1e-10}, .adjoint = adjoint};
      auto at = [&](double ahead) {
        const Flow<double> flow(Cnf<double>{std::make_shared<Ahead>(field, ahead), 0.8, clock});
        return nll_gradient(flow, x, none, options);
      };
      const double h = 1e-4, difference = (at(h).nll - at(-h).nll) / (2 * h);
      const auto g = at(0);
      EXPECT_NEAR(g.ends[0].base + g.ends[0].data, difference, 1e-6) << to_string(adjoint);  // h^2, and 1e-10 / h
    }
}

TEST(NllGradient, SteppersWithoutATableauAreRefused) {
  const auto flow = read_ffjord<float>(kFixture);
  const Matrix<double> x = Matrix<double>::Zero(2, 3), none(0, 0);
  EXPECT_THROW((void)nll_gradient(flow, x, none, {.solver = {.stepper = StepperKind::bulirsch_stoer}}), InputError);
  EXPECT_THROW((void)nll_gradient(flow, Matrix<double>(2, 0), none), InputError);
}

}  // namespace
}  // namespace pathline

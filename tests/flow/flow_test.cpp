#include "pathline/flow/flow.hpp"

#include <thread>

#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "pathline/core/error.hpp"
#include "pathline/core/parallel.hpp"
#include "pathline/field/mlp.hpp"

namespace pathline {
namespace {

const EvaluationOptions kFine{.solver = {.rtol = 1e-10, .atol = 1e-10}};
const Matrix<double> kNoCondition(0, 0);

// f = A z + b, a user's own field in three functions.
class Linear final : public VectorField<double> {
 public:
  Linear(const Matrix<double>& a, const Vector<double>& b) : VectorField(a.rows(), 0), a_(a), b_(b) {}
  std::unique_ptr<VectorField<double>> clone() const override { return std::make_unique<Linear>(*this); }
  void value(const FieldPoint<double>& x, MatrixRef<double> f, Workspace<double>&) const override {
    f = (a_ * x.z).colwise() + b_;
  }
  void tangents(const FieldPoint<double>& x, const TangentDirections<double>& e, MatrixRef<double> f,
                MatrixRef<double> je, Workspace<double>& w) const override {
    value(x, f, w);
    Matrix<double> directions(dim(), e.k * x.batch());
    e.write(dim(), x.batch(), directions);
    je = a_ * directions;
  }
  void pullback(const FieldPoint<double>&, const TangentDirections<double>&, ConstMatrixRef<double> f_bar,
                ConstMatrixRef<double>, FieldCotangent<double> out, Workspace<double>&) const override {
    out.z = a_.transpose() * f_bar;
  }

 private:
  Matrix<double> a_;
  Vector<double> b_;
};

// exp(M) by its series after scaling and squaring: terms below 1e-17 for |M| / 64 < 0.1.
Matrix<double> matrix_exponential(const Matrix<double>& m) {
  const Matrix<double> small = m / 64;
  Matrix<double> term = Matrix<double>::Identity(m.rows(), m.rows()), sum = term;
  for (int k = 1; k < 16; ++k) term = (term * small / k).eval(), sum += term;
  for (int k = 0; k < 6; ++k) sum = (sum * sum).eval();
  return sum;
}

// dz/dt = A z: z(T) = exp(A T) z(0) and log p changes by -tr(A) T.
TEST(Flow, LinearFieldIsTheMatrixExponentialAndItsTrace) {
  Matrix<double> a(3, 3);
  a << 0.3, -1.1, 0.2, 0.7, -0.4, 0.5, -0.2, 0.1, 0.6;
  const double time = 1.3;
  const Flow<double> flow(Cnf<double>{std::make_shared<Linear>(a, Vector<double>::Zero(3)), time});
  const Matrix<double> z = flow.draw_base(20, 1);
  const auto up = flow.push(z, kFine);
  EXPECT_LT((up.points - matrix_exponential(a * time) * z).cwiseAbs().maxCoeff(), 1e-8);
  const RowVector<double> expected = standard_normal_log_density<double>(z).array() - a.trace() * time;
  EXPECT_LT((up.log_prob - expected).cwiseAbs().maxCoeff(), 1e-8);
  EXPECT_LT((flow.log_prob(up.points, kNoCondition, kFine).log_prob - expected).cwiseAbs().maxCoeff(), 1e-8);
}

struct Chain {
  explicit Chain(FieldClock clock, bool norms = true) {
    Engine engine = make_stream(4, "flow_test");
    std::vector<Cnf<double>> blocks;
    for (double time : {0.5, 0.8}) {
      auto field = std::make_shared<Mlp<double>>(MlpOptions{.hidden = {16, 16}});
      field->initialize(engine);
      blocks.push_back({field, time, clock});
    }
    std::vector<BatchNorm<double>> between;
    for (int i = 0; norms && i < 3; ++i) {
      BatchNorm<double> norm(2);
      norm.mean << 0.1 * i, -0.2, norm.variance << 1.2, 0.8 + 0.1 * i, norm.bias << 0.1, 0.05, norm.log_weight << -0.1,
          0.2;
      between.push_back(norm);
    }
    flow = std::make_unique<Flow<double>>(std::move(blocks), std::move(between));
    flow->standardize(Vector<double>{{0.5, -1}}, Vector<double>{{2, 0.6}});
  }
  std::unique_ptr<Flow<double>> flow;
};

TEST(Flow, ChainWithNormsGoesThereAndBackAndKeepsItsMassSlow) {
  for (auto clock : {FieldClock::base_to_data, FieldClock::data_to_base}) {
    const Chain chain(clock);
    const auto& flow = *chain.flow;
    const auto drawn = flow.sample(100, 7, kFine);
    const auto back = flow.log_prob(drawn.points, kNoCondition, kFine);
    EXPECT_LT((back.log_prob - drawn.log_prob).cwiseAbs().maxCoeff(), 1e-7);
    EXPECT_LT((back.latent - flow.draw_base(100, 7)).cwiseAbs().maxCoeff(), 1e-7);
    const Index n = 200;
    const double low = -20, h = 40.0 / static_cast<double>(n);
    Matrix<double> grid(2, n * n);
    for (Index i = 0; i < n; ++i)
      for (Index j = 0; j < n; ++j)
        grid.col(i * n + j) << low + (static_cast<double>(i) + 0.5) * h, low + (static_cast<double>(j) + 0.5) * h;
    EXPECT_NEAR(flow.log_prob(grid, kNoCondition).log_prob.array().exp().sum() * h * h, 1, 1e-3);
  }
}

TEST(Flow, TransformInPartsIsTheWhole) {
  for (auto clock : {FieldClock::base_to_data, FieldClock::data_to_base}) {
    const Chain chain(clock);
    const auto& flow = *chain.flow;
    const Matrix<double> x = flow.sample(30, 2, kFine).points;
    const auto whole = flow.transform(x, flow.end_time(), 0, kNoCondition, kFine);
    const auto first = flow.transform(x, flow.end_time(), 0.7, kNoCondition, kFine);
    const auto second = flow.transform(first.points, 0.7, 0.2, kNoCondition, kFine);
    const auto third = flow.transform(second.points, 0.2, 0, kNoCondition, kFine);
    EXPECT_LT((whole.points - third.points).cwiseAbs().maxCoeff(), 1e-7);
    const RowVector<double> sum = first.log_change + second.log_change + third.log_change;
    EXPECT_LT((whole.log_change - sum).cwiseAbs().maxCoeff(), 1e-7);
    const auto up = flow.transform(whole.points, 0, flow.end_time(), kNoCondition, kFine);
    EXPECT_LT((up.points - x).cwiseAbs().maxCoeff(), 1e-7);
    EXPECT_LT((up.log_change + whole.log_change).cwiseAbs().maxCoeff(), 1e-7);
  }
}

// With fixed steps of dopri5 the log-density is a quadrature along the path: of its own order, whether the path is
// looked at or not, and with its evaluations counted.
TEST(Flow, LogDensityOfFixedStepsConvergesAndIsTheSameWithATrajectory) {
  for (auto clock : {FieldClock::base_to_data, FieldClock::data_to_base}) {
    const Chain chain(clock);
    const auto& flow = *chain.flow;
    const auto drawn = flow.sample(40, 3, kFine);
    double before = 0;
    for (Index steps : {2, 4, 8}) {
      const EvaluationOptions fixed{.solver = {.steps = steps}};
      const auto got = flow.log_prob(drawn.points, kNoCondition, fixed);
      const double error = (got.log_prob - drawn.log_prob).cwiseAbs().maxCoeff();
      // Dense output of order 4, so 2^4 in the limit; rounding is far below.
      if (before > 0) EXPECT_LT(error, before / 10) << steps;
      before = error;
      EXPECT_EQ(got.nfe, static_cast<double>(flow.blocks().size()) * static_cast<double>(6 * steps + 1 + 3 * steps));
      std::vector<Matrix<double>> along;
      const Matrix<double> z = flow.draw_base(40, 3);
      EXPECT_EQ(flow.push(z, fixed).log_prob, flow.trajectory(z, {0.1, 0.7}, along, fixed).log_prob);
    }
  }
}

TEST(Flow, PathPassesThroughTheTransformsAndEndsInTheSamples) {
  for (auto clock : {FieldClock::base_to_data, FieldClock::data_to_base}) {
    const Chain chain(clock);
    const auto& flow = *chain.flow;
    const Matrix<double> z = flow.draw_base(70, 3);
    std::vector<Matrix<double>> along;
    const std::vector<double> times = {0, 0.3, 0.5, 0.9, flow.end_time()};
    const auto drawn = flow.trajectory(z, times, along, kFine);
    EXPECT_EQ(drawn.points, flow.push(z, kFine).points);  // looking does not change the path
    EXPECT_LT((along[0] - flow.in_data_units(z)).cwiseAbs().maxCoeff(), 1e-12);
    EXPECT_EQ(along[4], drawn.points);
    for (std::size_t k = 1; k < 4; ++k) {
      const auto there = flow.transform(flow.in_data_units(z), 0, times[k], kNoCondition, kFine);
      EXPECT_LT((along[k] - there.points).cwiseAbs().maxCoeff(), 1e-6) << times[k];
    }
  }
}

// dp/dt + div(p f) = 0 by central differences, on a grid, at several times.
TEST(Flow, ContinuityEquationHoldsToDiscretizationError) {
  const Chain chain(FieldClock::base_to_data, false);
  Flow<double> flow(*chain.flow->blocks()[0]);
  const Index n = 15;
  Matrix<double> x(2, n * n);
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < n; ++j)
      x.col(i * n + j) << -2.8 + 0.4 * static_cast<double>(i), -2.8 + 0.4 * static_cast<double>(j);
  auto p = [&](double time, const Matrix<double>& at) {
    return RowVector<double>(flow.log_prob_at(time, at, kNoCondition, kFine).log_prob.array().exp());
  };
  const double h = 1e-3;
  Workspace<double> w;
  for (double t : {0.1, 0.3, 0.45}) {
    auto flux = [&](Index i, double along) {  // p f_i at x + along e_i
      Matrix<double> moved = x, f(2, x.cols());
      moved.row(i).array() += along;
      flow.blocks()[0]->field->value({t, moved, kNoCondition}, f, w);
      return RowVector<double>(p(t, moved).array() * f.row(i).array());
    };
    const RowVector<double> rate = (p(t + h, x) - p(t - h, x)) / (2 * h);
    RowVector<double> divergence = RowVector<double>::Zero(x.cols());
    for (Index i = 0; i < 2; ++i) divergence += (flux(i, h) - flux(i, -h)) / (2 * h);
    EXPECT_GT(rate.cwiseAbs().maxCoeff(), 1e-2);                                              // it is not 0 = 0
    EXPECT_LT((rate + divergence).cwiseAbs().maxCoeff(), 1e-4 * rate.cwiseAbs().maxCoeff());  // h^2 of the differences
  }
}

TEST(Flow, DensityOfBoundedDataHasMassOneInTheBoxSlow) {
  const Chain chain(FieldClock::base_to_data);
  auto& flow = *chain.flow;
  flow.set_logit(0.05);
  flow.standardize(
      Vector<double>::Zero(2),
      Vector<double>::Constant(2, 0.5));  // away from the edges, where the density has no bound on its slope
  const Index n = 300;
  Matrix<double> grid(2, n * n);
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < n; ++j)
      grid.col(i * n + j) << (static_cast<double>(i) + 0.5) / n, (static_cast<double>(j) + 0.5) / n;
  // The box of the logit is a little wider than [0, 1]: alpha / (1 - 2 alpha) on every side.
  const double margin = 0.05 / 0.9, side = 1 + 2 * margin;
  grid = (grid.array() * side - margin).matrix();
  EXPECT_NEAR(flow.log_prob(grid, kNoCondition).log_prob.array().exp().sum() * side * side / (n * n), 1, 5e-3);
  const auto drawn = flow.sample(50, 1, kFine);
  EXPECT_LT((flow.log_prob(drawn.points, kNoCondition, kFine).log_prob - drawn.log_prob).cwiseAbs().maxCoeff(), 1e-6);
  EXPECT_THROW((void)flow.log_prob(Matrix<double>::Constant(2, 1, 1.5), kNoCondition), InputError);
}

// The image of a point within rounding of an edge has a density all the same.
TEST(Flow, SamplesThatTheLogitRoundsToTheEdgeHaveADensity) {
  Flow<double> flow(Cnf<double>{std::make_shared<Linear>(Matrix<double>::Zero(1, 1), Vector<double>::Zero(1))});
  flow.standardize(Vector<double>::Zero(1), Vector<double>::Constant(1, 30));
  flow.set_logit(1e-6);
  const auto drawn = flow.sample(500, 1);
  EXPECT_TRUE(drawn.log_prob.allFinite());
  const auto inside = (drawn.points.array() - 0.5).abs() < 0.49;
  for (Index b = 0; b < 500; ++b)
    if (inside(0, b))
      EXPECT_NEAR(flow.log_prob(drawn.points.col(b), kNoCondition).log_prob[0], drawn.log_prob[b], 1e-9);
}

// A norm at the end of the chain was applied on the way from the end to the end, and not undone.
TEST(Flow, FromATimeToItselfNothingMoves) {
  for (auto clock : {FieldClock::base_to_data, FieldClock::data_to_base}) {
    const Chain chain(clock);
    const Matrix<double> x = chain.flow->sample(5, 2, kFine).points;
    for (double t : {0.0, 0.5, 0.7, chain.flow->end_time()}) {
      const auto same = chain.flow->transform(x, t, t, kNoCondition, kFine);
      EXPECT_LT((same.points - x).cwiseAbs().maxCoeff(), 1e-14);
      EXPECT_LT(same.log_change.cwiseAbs().maxCoeff(), 1e-14);
    }
  }
}

// Fixed steps of dopri5 take the log-density beside the solve, which did not see it.
TEST(Flow, FixedStepsWhoseTraceIsNotFiniteFail) {
  class NoTrace final : public VectorField<double> {
   public:
    NoTrace() : VectorField(2, 0) {}
    std::unique_ptr<VectorField<double>> clone() const override { return std::make_unique<NoTrace>(*this); }
    void value(const FieldPoint<double>&, MatrixRef<double> f, Workspace<double>&) const override { f.setZero(); }
    void tangents(const FieldPoint<double>&, const TangentDirections<double>&, MatrixRef<double> f,
                  MatrixRef<double> je, Workspace<double>&) const override {
      f.setZero(), je.setConstant(std::nan(""));
    }
    void pullback(const FieldPoint<double>&, const TangentDirections<double>&, ConstMatrixRef<double>,
                  ConstMatrixRef<double>, FieldCotangent<double>, Workspace<double>&) const override {}
  };
  const Flow<double> flow(Cnf<double>{std::make_shared<NoTrace>()});
  for (auto kind : {StepperKind::dopri5, StepperKind::cash_karp})
    EXPECT_THROW((void)flow.sample(3, 1, {.solver = {.stepper = kind, .steps = 3}}), NumericalError) << to_string(kind);
}

// A thread keeps scratch memory between its calls: other flows, other options and failures in between leave no trace.
TEST(Flow, WhatAThreadKeepsBetweenCallsChangesNoBit) {
  const Flow<double> flow(
      Cnf<double>{std::make_shared<Linear>(Matrix<double>{{0.3, 1}, {-1, 0.1}}, Vector<double>{{1, 2}})});
  const Flow<double> wide(
      Cnf<double>{std::make_shared<Linear>(Matrix<double>::Identity(5, 5), Vector<double>::Ones(5))});
  const Matrix<double> x = Matrix<double>::Random(2, 3);
  auto in_a_new_thread = [&] {
    RowVector<double> out;
    std::thread([&] { out = flow.log_prob(x, kNoCondition, kFine).log_prob; }).join();
    return out;
  };
  const RowVector<double> expected = in_a_new_thread();
  const EvaluationOptions too_few{.solver = {.rtol = 1e-10, .atol = 1e-10, .max_steps = 2}},
      euler{.solver = {.stepper = StepperKind::euler, .steps = 3}};
  const EvaluationOptions probes{.trace = {.kind = TraceKind::hutchinson, .probes = 3}};
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(flow.log_prob(x, kNoCondition, kFine).log_prob, expected);
    (void)wide.log_prob(Matrix<double>::Random(5, 200), kNoCondition, euler);
    EXPECT_EQ(flow.log_prob(x, kNoCondition, kFine).log_prob, expected);
    EXPECT_THROW((void)flow.log_prob(x, kNoCondition, too_few), NumericalError);
    EXPECT_EQ(flow.log_prob(x, kNoCondition, kFine).log_prob, expected);
    (void)flow.log_prob(x, kNoCondition, probes), (void)flow.score(x), (void)flow.sample(3, 1, kFine);
  }
}

// A call inside a call, as that of a field that asks another flow, must not take the memory of the outer one.
TEST(Flow, AFieldMayEvaluateAnotherFlow) {
  class Asking final : public VectorField<double> {
   public:
    Asking(const Linear& linear, const Flow<double>& other) : VectorField(2, 0), linear_(linear), other_(&other) {}
    std::unique_ptr<VectorField<double>> clone() const override { return std::make_unique<Asking>(*this); }
    void value(const FieldPoint<double>& x, MatrixRef<double> f, Workspace<double>& w) const override {
      (void)other_->log_prob(x.z, kNoCondition, kFine);
      linear_.value(x, f, w);
    }
    void tangents(const FieldPoint<double>& x, const TangentDirections<double>& e, MatrixRef<double> f,
                  MatrixRef<double> je, Workspace<double>& w) const override {
      (void)other_->log_prob(x.z, kNoCondition, kFine);
      linear_.tangents(x, e, f, je, w);
    }
    void pullback(const FieldPoint<double>&, const TangentDirections<double>&, ConstMatrixRef<double>,
                  ConstMatrixRef<double>, FieldCotangent<double>, Workspace<double>&) const override {}

   private:
    Linear linear_;
    const Flow<double>* other_;
  };
  const Linear linear(Matrix<double>{{0.3, 1}, {-1, 0.1}}, Vector<double>{{1, 2}});
  const Flow<double> plain(Cnf<double>{std::make_shared<Linear>(linear)});
  const Flow<double> asking(Cnf<double>{std::make_shared<Asking>(linear, plain)});
  const Matrix<double> x = Matrix<double>::Random(2, 3);
  const RowVector<double> expected = plain.log_prob(x, kNoCondition, kFine).log_prob;
  for (int round = 0; round < 2; ++round) EXPECT_EQ(asking.log_prob(x, kNoCondition, kFine).log_prob, expected);
}

// The probes of the second part were those of the first.
TEST(Flow, AStreamMadeInPartsIsTheStream) {
  const Chain chain(FieldClock::base_to_data);
  EvaluationOptions options{.solver = {.stepper = StepperKind::rk4, .steps = 4},
                            .trace = {.kind = TraceKind::hutchinson}};
  const auto whole = chain.flow->sample(128, 3, options);
  options.first = 64;
  const auto part = chain.flow->sample(64, 3, options);
  EXPECT_EQ(whole.points.rightCols(64), part.points);
  EXPECT_EQ(whole.log_prob.tail(64), part.log_prob);
}

TEST(Flow, LogProbAtTimeZeroIsTheBase) {
  const Chain chain(FieldClock::base_to_data);
  const Matrix<double> x = chain.flow->draw_base(5, 1);
  RowVector<double> log_det = RowVector<double>::Zero(5);
  const Matrix<double> z = chain.flow->standardized(x, &log_det);
  const RowVector<double> expected = standard_normal_log_density<double>(z) + log_det;
  EXPECT_EQ(chain.flow->log_prob_at(0, x, kNoCondition, kFine).log_prob, expected);
}

TEST(Flow, WithoutDensityThePointsAreTheSameAndLogProbIsNaN) {
  const Chain chain(FieldClock::base_to_data);
  auto options = kFine;
  const auto with = chain.flow->sample(10, 1, options);
  options.density = false;
  const auto without = chain.flow->sample(10, 1, options);
  EXPECT_LT((with.points - without.points).cwiseAbs().maxCoeff(), 1e-8);
  EXPECT_TRUE(std::isnan(without.log_prob[3]));
}

TEST(Flow, ThetaGoesOutAndIn) {
  Chain chain(FieldClock::data_to_base);
  auto& flow = *chain.flow;
  flow.blocks()[1]->train_end_time = true;
  Vector<double> theta = flow.theta();
  const auto names = flow.parameters();
  EXPECT_EQ(theta.size(), flow.layout().size);
  EXPECT_EQ(names.back().offset + names.back().size(), theta.size());
  auto copy = flow;
  theta.array() += 0.1;
  copy.set_theta(theta);
  EXPECT_LT((copy.theta() - theta).cwiseAbs().maxCoeff(), 1e-15);
  EXPECT_NEAR(copy.blocks()[1]->end_time, std::pow(std::sqrt(0.8) + 0.1, 2), 1e-14);
  EXPECT_NE(flow.theta(), copy.theta());  // a copy shares nothing
}

TEST(Flow, AMixtureIsMinusInfinityWhereAllOfItUnderflows) {
  Engine engine = make_stream(1, "mixture");
  const Matrix<double> far = Matrix<double>::Constant(2, 1, 1e160);
  EXPECT_EQ(make_base(BaseKind::mixture, 2, 3, engine)->log_density(far)[0], -INFINITY);
}

// Eigen has a loop over threads of its own in a large product, which hung there, and took every core whatever `threads` said.
TEST(Flow, ABaseDrawsInAProcessThatWasForkedAfterAParallelLoop) {
  Engine engine = make_stream(0, "forked");
  const auto base = make_base(parse_base("full"), 20, 1, engine);
  Matrix<double> z(20, 20000);
  base->sample(engine, z, kNoCondition);
  parallel_for(8, 3, [](Index, int) {});
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::alarm(20);  // a hang ends by a signal
    base->sample(engine, z, kNoCondition);
    ::_exit(z.allFinite() ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

TEST(Flow, ABaseDrawsWhatItsDensitySays) {
  for (const auto& name : base_names()) {
    Engine engine = make_stream(3, "base");
    auto base = make_base(parse_base(name), 2, 3, engine, 1);
    Vector<double> theta = base->theta();
    for (auto& v : theta) v += 0.3 * normal(engine);
    base->set_theta(theta);
    const Index n = 300;
    const double low = -9, h = 18.0 / static_cast<double>(n);
    Matrix<double> grid(2, n * n);
    for (Index i = 0; i < n; ++i)
      for (Index j = 0; j < n; ++j)
        grid.col(i * n + j) << low + (static_cast<double>(i) + 0.5) * h, low + (static_cast<double>(j) + 0.5) * h;
    const RowVector<double> p = base->log_density(grid, Matrix<double>::Constant(1, n * n, 0.7)).array().exp();
    EXPECT_NEAR(p.sum() * h * h, 1, name == "uniform" ? 0.04 : 1e-6) << name;  // the box's edge on the grid
    Matrix<double> z(2, 40000);
    base->sample(engine, z, Matrix<double>::Constant(1, 40000, 0.7));
    for (Index i = 0; i < 2; ++i) {
      const double mean = (grid.row(i).array() * p.array()).sum() / p.sum();
      const double square = (grid.row(i).array().square() * p.array()).sum() / p.sum();
      EXPECT_NEAR(z.row(i).mean(), mean, 0.05) << name;  // 40,000 draws of a spread of about 1: 4 sigma is 0.02
      EXPECT_NEAR(z.row(i).squaredNorm() / 40000, square, 0.05 * square) << name;
    }
  }
}

// The draws of a conditional base belong to the conditions, in the units of the data, in whatever parts they are drawn.
TEST(Flow, DrawsOfAConditionalBaseFollowTheCondition) {
  auto field = std::make_shared<Mlp<double>>(MlpOptions{.dim = 2, .condition_dim = 1, .hidden = {4}});  // 0
  Flow<double> flow{Cnf<double>(field)};
  flow.condition_mean << 10, flow.condition_scale << 2;
  // z = c + 0.1 e in both columns.
  const Matrix<double> l{{1, 0, 0}, {1, 0.1, 0}, {1, 0, 0.1}};
  flow.base = make_base(GaussianMixture(Vector<double>::Ones(1), Vector<double>::Zero(3), {l}), 1);
  Matrix<double> c(1, 200);
  for (Index b = 0; b < 200; ++b) c(0, b) = static_cast<double>(b) / 10;
  const auto drawn = flow.sample(200, 5, {}, c);
  const RowVector<double> expected = (c.array() - 10) / 2;
  EXPECT_LT((drawn.points.rowwise() - expected).cwiseAbs().maxCoeff(), 0.5);  // five deviations
  EXPECT_LT((drawn.log_prob - flow.log_prob(drawn.points, c).log_prob).cwiseAbs().maxCoeff(), 1e-9);
  const auto later = flow.sample(72, 5, {.first = 128}, c.rightCols(72));
  EXPECT_EQ(later.points, drawn.points.rightCols(72));
  EXPECT_THROW((void)flow.sample(3, 5), InputError);
  EXPECT_THROW((void)flow.draw_base(3, 5), InputError);
  Engine engine = make_stream(1, "base");
  EXPECT_THROW((void)make_base(BaseKind::conditional_mixture, 2, 3, engine), InputError);
}

TEST(Flow, WrongShapesAndTimesAreRefused) {
  const Chain chain(FieldClock::base_to_data);
  const Matrix<double> x = Matrix<double>::Zero(2, 3);
  EXPECT_THROW((void)chain.flow->transform(x, 0, 99), InputError);
  EXPECT_THROW((void)chain.flow->log_prob_at(-0.1, x, kNoCondition), InputError);
  EXPECT_THROW((void)chain.flow->log_prob(x, Matrix<double>::Zero(1, 3)), InputError);
  EXPECT_THROW((void)chain.flow->log_prob(x, kNoCondition, {.tile = 0}), InputError);
}

}  // namespace
}  // namespace pathline

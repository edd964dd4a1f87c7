// The score against central differences of the log-density.
#include <gtest/gtest.h>

#include "pathline/core/error.hpp"
#include "pathline/field/mlp.hpp"
#include "pathline/flow/flow.hpp"

namespace pathline {
namespace {

const SolverOptions kSolver{.rtol = 1e-11, .atol = 1e-11};

Flow<double> flow_with_everything() {
  Engine engine = make_stream(4, "score_test");
  std::vector<Cnf<double>> blocks;
  for (auto clock : {FieldClock::base_to_data, FieldClock::data_to_base}) {
    auto field = std::make_shared<Mlp<double>>(MlpOptions{.condition_dim = 1, .hidden = {8, 8}});
    field->initialize(engine);
    blocks.push_back({field, 0.6, clock});
  }
  std::vector<BatchNorm<double>> norms(3, BatchNorm<double>(2));
  norms[0].mean << 0.2, -0.1, norms[1].variance << 1.4, 0.7, norms[2].log_weight << 0.3, -0.2;
  Flow<double> flow(std::move(blocks), std::move(norms));
  flow.base = make_base(BaseKind::mixture, 2, 3, engine);
  flow.condition_mean << 0.3, flow.condition_scale << 1.6;
  return flow;
}

void expect_score(const Flow<double>& flow, const Matrix<double>& x, const Matrix<double>& c,
                  const ScoreOptions& options) {
  const auto got = flow.score(x, c, options);
  const EvaluationOptions evaluation{.solver = kSolver};
  EXPECT_LT((got.log_prob - flow.log_prob(x, c, evaluation).log_prob).cwiseAbs().maxCoeff(), 1e-8);
  const double h = 1e-5;
  for (Index i = 0; i < x.rows(); ++i) {
    Matrix<double> above = x, below = x;
    above.row(i).array() += h, below.row(i).array() -= h;
    const RowVector<double> difference =
        (flow.log_prob(above, c, evaluation).log_prob - flow.log_prob(below, c, evaluation).log_prob) / (2 * h);
    for (Index b = 0; b < x.cols(); ++b)  // h^2 times the third derivative, 1e-11 / h of the solves
      EXPECT_NEAR(got.score(i, b), difference[b], 1e-6 * (1 + std::abs(difference[b]))) << i << " " << b;
  }
}

TEST(Score, IsTheDerivativeOfTheLogDensityInTheDatasUnits) {
  auto flow = flow_with_everything();
  flow.standardize(Vector<double>{{5, -3}}, Vector<double>{{2.5, 0.4}});
  Matrix<double> x(2, 9), c(1, 9);
  Engine engine = make_stream(5, "score_test");
  fill_normal<double>(engine, x), fill_normal<double>(engine, c);
  x = flow.in_data_units(x);
  for (auto adjoint : {AdjointKind::discrete, AdjointKind::checkpointed, AdjointKind::backsolve})
    expect_score(flow, x, c, {.solver = kSolver, .adjoint = adjoint, .tile = 4});
}

TEST(Score, GoesThroughTheLogit) {
  auto flow = flow_with_everything();
  flow.standardize(Vector<double>{{0.1, -0.2}}, Vector<double>{{1.5, 0.8}});
  flow.set_logit(0.05);
  Matrix<double> x(2, 6), c = Matrix<double>::Random(1, 6);
  Engine engine = make_stream(6, "score_test");
  fill_normal<double>(engine, x);
  x = 0.5 + 0.4 * x.array().tanh();
  expect_score(flow, x, c, {.solver = kSolver});
}

// The scores of a later part had the probes of the first.
TEST(Score, OfPointsInPartsIsThatOfAll) {
  const auto flow = flow_with_everything();
  const Matrix<double> x = Matrix<double>::Random(2, 24), c = Matrix<double>::Random(1, 24);
  ScoreOptions options{
      .solver = {.stepper = StepperKind::rk4, .steps = 4}, .trace = {.kind = TraceKind::hutchinson}, .tile = 8};
  const Matrix<double> whole = flow.score(x, c, options).score;
  options.first = 8;
  EXPECT_EQ(flow.score(x.rightCols(16), c.rightCols(16), options).score, whole.rightCols(16));
  options.first = 9;
  EXPECT_THROW((void)flow.score(x, c, options), InputError);  // no multiple of the tile
}

TEST(Score, RefusesWhatHasNoAdjoint) {
  const auto flow = flow_with_everything();
  EXPECT_THROW((void)flow.score(Matrix<double>::Zero(2, 3), Matrix<double>::Zero(1, 3),
                          {.solver = {.stepper = StepperKind::bulirsch_stoer}}),
               InputError);
  EXPECT_THROW((void)flow.score(Matrix<double>::Zero(2, 3)), InputError);  // no condition
}

}  // namespace
}  // namespace pathline

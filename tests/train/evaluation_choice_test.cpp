#include "pathline/train/evaluation_choice.hpp"

#include <cmath>

#include <gtest/gtest.h>

#include "pathline/core/error.hpp"
#include "pathline/field/mlp.hpp"

namespace pathline {
namespace {

Flow<double> flow_of(double scale) {
  auto field = std::make_shared<Mlp<double>>(MlpOptions{.dim = 2, .hidden = {8}});
  Engine engine = make_stream(1, "test.choice");
  field->initialize(engine);
  field->set_theta(scale * field->theta());
  return Flow<double>(Cnf<double>(field));
}

Matrix<double> points() {
  Engine engine = make_stream(2, "test.choice");
  Matrix<double> x(2, 300);
  fill_normal<double>(engine, x);
  return x;
}

const Matrix<double> kNone(0, 0);

TEST(EvaluationChoice, AFieldAtRestTakesOneStepOfTheCheapestMethod) {
  const auto choice = choose_evaluation(flow_of(0), points(), kNone, 1e-3);
  EXPECT_EQ(choice.solver.stepper, StepperKind::euler);
  EXPECT_EQ(choice.solver.steps, 1);
  EXPECT_EQ(choice.error, 0);
}

TEST(EvaluationChoice, MeetsTheErrorWithFewerEvaluationsTheMoreIsAllowed) {
  const auto flow = flow_of(3);
  const auto x = points();
  const auto exact = flow.log_prob(x, kNone, {.solver = {.rtol = 1e-10, .atol = 1e-10}}).log_prob;
  double before = 1e9;
  for (const double error : {1e-5, 1e-3, 1e-1}) {
    const auto choice = choose_evaluation(flow, x, kNone, error);
    EXPECT_LE(choice.error, error);
    EXPECT_LE(choice.nfe, before);
    before = choice.nfe;
    const auto got = flow.log_prob(x, kNone, {.solver = choice.solver}).log_prob;
    EXPECT_LT((got - exact).cwiseAbs().mean(), 1.5 * error + 1e-7);  // 44 of the points were not among those tried
  }
}

TEST(EvaluationChoice, OptionsOutOfRange) {
  EXPECT_THROW(choose_evaluation(flow_of(1), points(), kNone, 0), InputError);
  EXPECT_THROW(choose_evaluation(flow_of(1), points(), kNone, std::nan("")), InputError);
  EXPECT_THROW(choose_evaluation(flow_of(1), Matrix<double>(2, 0), kNone, 1), InputError);
}

}  // namespace
}  // namespace pathline

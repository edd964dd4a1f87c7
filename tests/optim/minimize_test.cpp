#include "pathline/optim/minimize.hpp"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "message.hpp"

namespace pathline {
namespace {

using ::testing::HasSubstr;

// (theta - 1)^2 / 2 summed.
double bowl(Index, const Vector<double>& theta, Vector<double>& gradient) {
  gradient = theta.array() - 1;
  return 0.5 * gradient.squaredNorm();
}

TEST(Minimize, GradientDescentContractsAQuadraticByItsRate) {
  Vector<double> theta{{3.0, -1.0}};
  const auto losses =
      minimize(theta, bowl, {.optimizer = OptimizerKind::gradient_descent, .iterations = 10, .learning_rate = 0.1});
  EXPECT_EQ(losses.size(), 10u);
  EXPECT_DOUBLE_EQ(losses[0], 4);
  EXPECT_NEAR(theta[0], 1 + 2 * std::pow(0.9, 10), 1e-14);
}

TEST(Minimize, AdamWithACosineReachesTheMinimum) {
  Vector<double> theta{{3.0, -1.0}};
  Index calls = 0;
  minimize(
      theta, bowl,
      {.iterations = 500, .learning_rate = 0.1, .schedule = Schedule::Kind::cosine, .progress = [&](Index i, double) {
         calls = i;
       }});
  EXPECT_LT((theta.array() - 1).matrix().norm(), 1e-3);
  EXPECT_EQ(calls, 500);
}

TEST(Minimize, DecayActsOnlyWhereItIsAsked) {
  Vector<double> theta{{3.0, 3.0}};
  auto flat = [](Index, const Vector<double>&, Vector<double>& gradient) { return gradient.setZero(), 0.0; };
  minimize(theta, flat, {.iterations = 1, .learning_rate = 0.1, .weight_decay = 0.5}, Vector<double>{{1.0, 0.0}});
  EXPECT_DOUBLE_EQ(theta[0], 3 * (1 - 0.05));
  EXPECT_EQ(theta[1], 3);
}

TEST(Minimize, LossThatIsNotFiniteNamesTheIterationAndKeepsTheLastTheta) {
  Vector<double> theta{{2.0}};
  auto bad = [](Index i, const Vector<double>& at, Vector<double>& gradient) {
    gradient = at;
    return i == 3 ? std::nan("") : 1.0;
  };
  EXPECT_THAT(message<NumericalError>([&] {
                minimize(theta, bad,
                         {.optimizer = OptimizerKind::gradient_descent, .iterations = 5, .learning_rate = 0.5});
              }),
              HasSubstr("iteration 4: the loss is not finite"));
  EXPECT_DOUBLE_EQ(theta[0], 0.25);
}

TEST(Minimize, OptionsAreCheckedByName) {
  Vector<double> theta{{2.0}};
  EXPECT_THAT(message([&] { minimize(theta, bowl, {.iterations = -1}); }), HasSubstr("iterations = -1"));
  EXPECT_THAT(message([&] { minimize(theta, bowl, {.learning_rate = std::nan("")}); }), HasSubstr("learning_rate"));
  EXPECT_THAT(
      message([&] { minimize(theta, bowl, {.optimizer = OptimizerKind::gradient_descent, .weight_decay = 1}); }),
      HasSubstr("weight_decay applies only"));
  EXPECT_THAT(message([] { parse_optimizer("sgd"); }), HasSubstr("adam, gradient_descent"));
}

}  // namespace
}  // namespace pathline

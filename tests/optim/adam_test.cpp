#include "pathline/optim/adam.hpp"

#include <array>
#include <cmath>
#include <cstdio>
#include <limits>
#include <sstream>
#include <string>

#include <gmock/gmock.h>

#include "message.hpp"
#include "pathline/core/error.hpp"

namespace pathline {
namespace {

using testing::HasSubstr;
using Decay = AdamOptions::Decay;

// The gradient of a bowl that is steep in some directions: k (x - 1), k = 1 ... 10^3.
Vector<double> bowl_gradient(const Vector<double>& x) {
  const Vector<double> steep = Eigen::pow(10.0, Eigen::ArrayXd::LinSpaced(x.size(), 0, 3));
  return steep.cwiseProduct(x - Vector<double>::Ones(x.size()));
}

std::string run_python(const std::string& script) {
  FILE* pipe = popen(("/usr/bin/python3 -c '" + script + "'").c_str(), "r");
  std::string out;
  std::array<char, 4096> part;
  while (pipe && std::fgets(part.data(), part.size(), pipe)) out += part.data();
  EXPECT_EQ(pipe ? pclose(pipe) : -1, 0);
  return out;
}

// 200 steps on the bowl by numpy, written from the papers' algorithms with their corrected moments in full.
Vector<double> numpy_steps(const std::string& options) {
  std::istringstream out(run_python(R"(
import numpy as np
)" + options + R"(
k = 10.0 ** np.linspace(0, 3, 7)
x = np.linspace(-2, 2, 7); m = np.zeros(7); v = np.zeros(7)
for t in range(1, 201):
    lr = 0.05 / t ** 0.5
    g = k * (x - 1)
    if not decoupled: g = g + decay * mask * x
    m = b1 * m + (1 - b1) * g
    v = b2 * v + (1 - b2) * g ** 2
    if decoupled: x = x - lr * decay * mask * x
    x = x - lr * (m / (1 - b1 ** t)) / (np.sqrt(v / (1 - b2 ** t)) + eps)
print(*[float(y).hex() for y in x])
)"));
  Vector<double> x(7);
  for (double& y : x) {
    std::string hex;
    out >> hex;
    y = std::strtod(hex.c_str(), nullptr);
  }
  return x;
}

Vector<double> our_steps(const AdamOptions& options, const Vector<double>& decays = {}) {
  Vector<double> x = Vector<double>::LinSpaced(7, -2, 2);
  Adam adam(7, options, decays);
  for (int t = 1; t <= 200; ++t) adam.step(x, bowl_gradient(x), 0.05 / std::sqrt(t));
  return x;
}

const double kRounding = 1e-12;  // 200 steps of about ten operations, each 1e-16, on a contracting map

TEST(Adam, AgreesWithNumpy) {
  const Vector<double> x = numpy_steps("b1, b2, eps, decay, mask, decoupled = 0.9, 0.999, 1e-8, 0, 1, False");
  EXPECT_LT((our_steps({}) - x).cwiseAbs().maxCoeff(), kRounding);
}

Vector<double> every_second() {
  Vector<double> decays(7);
  decays << 1, 0, 1, 0, 1, 0, 1;
  return decays;
}

TEST(Adam, CoupledDecayAgreesWithNumpy) {
  const Vector<double> x = numpy_steps("b1, b2, eps, decay, mask, decoupled = 0.8, 0.95, 1e-3, 0.3, 1, False");
  const AdamOptions options{.beta1 = 0.8, .beta2 = 0.95, .epsilon = 1e-3, .weight_decay = 0.3, .decay = Decay::l2};
  EXPECT_LT((our_steps(options) - x).cwiseAbs().maxCoeff(), kRounding);
}

TEST(Adam, DecoupledDecayUnderAMaskAgreesWithNumpy) {
  const Vector<double> x = numpy_steps(
      "b1, b2, eps, decay, decoupled = 0.9, 0.999, 1e-8, 0.3, True\n"
      "mask = np.array([1, 0, 1, 0, 1, 0, 1])");
  const AdamOptions options{.weight_decay = 0.3, .decay = Decay::decoupled};
  EXPECT_LT((our_steps(options, every_second()) - x).cwiseAbs().maxCoeff(), kRounding);
}

TEST(Adam, CoupledDecayUnderAMaskAgreesWithNumpy) {
  const Vector<double> x = numpy_steps(
      "b1, b2, eps, decay, decoupled = 0.9, 0.999, 1e-8, 0.3, False\n"
      "mask = np.array([1, 0, 1, 0, 1, 0, 1])");
  EXPECT_LT((our_steps({.weight_decay = 0.3}, every_second()) - x).cwiseAbs().maxCoeff(), kRounding);
}

TEST(Adam, FirstStepIsTheLearningRateAlongTheSign) {
  Vector<double> x = Vector<double>::Zero(2);
  Adam adam(2, {.epsilon = 1e-300});
  adam.step(x, Eigen::Vector2d(1e-5, -1e5), 0.25);
  EXPECT_NEAR(x(0), -0.25, 1e-14);
  EXPECT_NEAR(x(1), 0.25, 1e-14);
}

TEST(Adam, DecoupledDecayDoesNotPassThroughTheMoments) {
  Vector<double> x = Vector<double>::Constant(1, 8);
  Adam adam(1, {.weight_decay = 0.5, .decay = Decay::decoupled});
  for (int i = 0; i < 3; ++i) adam.step(x, Vector<double>::Zero(1), 1);
  EXPECT_EQ(x(0), 1);
  EXPECT_EQ(adam.state().v(0), 0);
}

TEST(Adam, FindsTheMinimumOfASteepBowl) {
  Vector<double> x = Vector<double>::LinSpaced(7, -2, 2);
  Adam adam(7, {.learning_rate = 0.05});
  // The rate falls as slowly as the second moment forgets (beta2 = 0.999): faster, and steps scaled by old, large
  // gradients stop on the way.
  for (int i = 0; i < 20000; ++i) adam.step(x, bowl_gradient(x), 0.05 * std::pow(0.999, i));
  EXPECT_LT((x.array() - 1).abs().maxCoeff(), 1e-8);  // the last steps are at most 0.05 * 0.999^20000 = 1e-10 long
}

TEST(Adam, ResumedRunIsBitwiseTheUninterrupted) {
  const AdamOptions options{.weight_decay = 0.01, .decay = Decay::decoupled};
  Vector<double> x = Vector<double>::LinSpaced(7, -2, 2);
  Adam first(7, options);
  for (int t = 1; t <= 120; ++t) first.step(x, bowl_gradient(x), 0.05 / std::sqrt(t));
  Adam second(7, options);
  second.set_state(first.state());
  for (int t = 121; t <= 200; ++t) second.step(x, bowl_gradient(x), 0.05 / std::sqrt(t));
  EXPECT_EQ(x, our_steps(options));
  EXPECT_EQ(second.state().steps, 200);
}

TEST(Adam, GradientThatIsNotFiniteIsRefusedAndNothingMoves) {
  Vector<double> x = Vector<double>::LinSpaced(3, -2, 2);
  Adam adam(3);
  adam.step(x, Eigen::Vector3d(1, 2, 3), 0.1);
  const Vector<double> before = x;
  const AdamState state = adam.state();
  for (const double bad : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    EXPECT_THAT(message<NumericalError>([&] { adam.step(x, Eigen::Vector3d(0, bad, 0), 0.1); }),
                HasSubstr("gradient(1) = "));
    EXPECT_EQ(x, before);
    EXPECT_EQ(adam.state().m, state.m);
    EXPECT_EQ(adam.state().v, state.v);
    EXPECT_EQ(adam.state().steps, 1);
  }
}

TEST(Adam, BadOptionIsNamedWithItsValueAndRange) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(message<InputError>([] { Adam(1, {.beta1 = 1}); }), "beta1 = 1: must be in [0, 1)");
  EXPECT_EQ(message<InputError>([=] { Adam(1, {.beta2 = nan}); }), "beta2 = nan: must be in [0, 1)");
  EXPECT_EQ(message<InputError>([] { Adam(1, {.epsilon = 0}); }), "epsilon = 0: must be > 0 and finite");
  EXPECT_EQ(message<InputError>([] { Adam(1, {.weight_decay = -1}); }), "weight_decay = -1: must be >= 0 and finite");
  EXPECT_EQ(message<InputError>([=] { Adam(1, {.learning_rate = nan}); }),
            "learning_rate = nan: must be > 0 and finite");
  EXPECT_EQ(message<InputError>([] { Adam(2, {}, Eigen::Vector2d(1, 0.5)); }), "decays(1) = 0.5: must be 0 or 1");
  EXPECT_EQ(message<InputError>([] { Adam(3, {}, Eigen::Vector2d(1, 0)); }), "decays: 2 values for 3 parameters");
}

TEST(Adam, StateThatDoesNotFitIsRefused) {
  Adam adam(2);
  const Eigen::Vector2d zero(0, 0);
  EXPECT_THROW(adam.set_state({zero, Vector<double>::Zero(3), 1}), InputError);
  EXPECT_THROW(adam.set_state({zero, Eigen::Vector2d(0, -1), 1}), InputError);
  EXPECT_THROW(adam.set_state({zero, zero, -1}), InputError);
  EXPECT_THROW(adam.set_state({Eigen::Vector2d(0, std::nan("")), zero, 1}), InputError);
}

}  // namespace
}  // namespace pathline

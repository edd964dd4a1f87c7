#include "pathline/regression/regression_spec.hpp"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "message.hpp"

namespace pathline {
namespace {

using ::testing::HasSubstr;

RegressionSpec cubic(RegressorKind kind) {
  RegressionSpec spec{.kind = kind, .hidden = {20}};
  spec.maps.readout = RegressorOptions::Readout::first;
  return spec;
}

// mlp([h, t]) of [2, 20, 1] against three networks of [1, 20, 1], as the tutorial has them.
TEST(RegressionSpec, HasTheParametersOfTheTutorialsNetworks) {
  Engine engine = make_stream(1, "regression_spec_test");
  EXPECT_EQ(make_regressor<double>(cubic(RegressorKind::neural_ode), engine)->theta().size(), 2 * 20 + 20 + 20 + 1);
  EXPECT_EQ(make_regressor<double>(cubic(RegressorKind::resnet), engine)->theta().size(), 3 * (20 + 20 + 20 + 1));
  auto shared = cubic(RegressorKind::resnet);
  shared.share_weights = true;
  EXPECT_EQ(make_regressor<double>(shared, engine)->theta().size(), 20 + 20 + 20 + 1);
}

TEST(RegressionSpec, NormalWeightsHaveAVarianceOfOne) {
  Engine engine = make_stream(1, "regression_spec_test");
  auto spec = cubic(RegressorKind::resnet);
  spec.hidden = {400};
  const auto theta = make_regressor<double>(spec, engine, WeightStart::normal)->theta();
  EXPECT_NEAR(theta.squaredNorm() / static_cast<double>(theta.size()), 1, 0.1);  // of 3,603 numbers: 0.024 each error
}

// One block that adds w tanh(x): y = x + w tanh x has y'' = -2 w tanh x / cosh^2 x, whose square integrates over the
// line to w^2 16 / 15.
TEST(RegressionSpec, RoughnessOfAKnownCurve) {
  Engine engine = make_stream(1, "regression_spec_test");
  auto spec = cubic(RegressorKind::resnet);
  spec.hidden = {1}, spec.blocks = 1;
  const auto model = make_regressor<double>(spec, engine);
  model->set_theta(Vector<double>{{1.0, 0.0, 3.0, 0.0}});  // weight, bias, weight, bias
  EXPECT_NEAR(roughness(*model, -8, 8), 9 * 16 / 15.0, 1e-3);
}

TEST(RegressionSpec, ValuesOutOfRangeAreNamed) {
  Engine engine = make_stream(1, "regression_spec_test");
  auto spec = cubic(RegressorKind::resnet);
  spec.augmented = -1;
  EXPECT_THAT(message([&] { make_regressor<double>(spec, engine); }), HasSubstr("augmented = -1"));
  EXPECT_THAT(message([&] { parse_regressor("mlp"); }), HasSubstr("neural_ode, resnet"));
}

}  // namespace
}  // namespace pathline

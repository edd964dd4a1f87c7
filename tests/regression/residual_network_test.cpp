#include "pathline/regression/residual_network.hpp"

#include <gtest/gtest.h>

#include "pathline/field/mlp.hpp"
#include "pathline/regression/neural_ode.hpp"

namespace pathline {
namespace {

constexpr Index kDim = 3, kBatch = 5;
constexpr double kEnd = 1.5;
const RegressorOptions kIdentity{
    .inputs = kDim, .outputs = kDim, .lift = RegressorOptions::Lift::pad, .readout = RegressorOptions::Readout::first};

// A residual network and a Neural ODE that share one field of time and state.
struct ResidualLimit : ::testing::Test {
  ResidualLimit() : field(std::make_shared<Mlp<double>>(MlpOptions{.dim = kDim, .hidden = {9, 8}})) {
    Engine engine = make_stream(2, "residual_network_test");
    field->initialize(engine, 2);
    x.resize(kDim, kBatch), y.resize(kDim, kBatch);
    fill_normal<double>(engine, x);
    fill_normal<double>(engine, y);
  }
  ResidualNetwork<double> residual(Index blocks) const {
    return ResidualNetwork<double>(
        {field}, {.regressor = kIdentity, .blocks = blocks, .step = kEnd / static_cast<double>(blocks)});
  }
  NeuralOde<double> ode(const OdeintOptions& solve) const {
    return NeuralOde<double>(field, {.regressor = kIdentity, .t1 = kEnd, .solve = solve});
  }
  std::shared_ptr<Mlp<double>> field;
  Matrix<double> x, y;
};

TEST_F(ResidualLimit, SharedWeightsAreEulersMethodToRounding) {
  for (const Index blocks : {1, 3, 20}) {
    auto network = residual(blocks);
    auto euler = ode({.solver = {.stepper = StepperKind::euler, .steps = blocks}});
    const double kTol = 1e-15 * static_cast<double>(10 * blocks);  // some roundings a step, of values of order 1
    EXPECT_LT((network.predict(x) - euler.predict(x)).cwiseAbs().maxCoeff(), kTol) << blocks;
    // Backpropagation through the network is the discrete adjoint of Euler's method.
    const auto by_network = network.gradient(x, y, {}), by_euler = euler.gradient(x, y, {});
    EXPECT_LT((by_network.theta - by_euler.theta).norm(), 10 * kTol * by_euler.theta.norm()) << blocks;
    EXPECT_LT((by_network.x - by_euler.x).norm(), 10 * kTol * by_euler.x.norm()) << blocks;
  }
}

// The slope of log(error) over log(1 / K), by least squares.
double slope(const std::vector<double>& blocks, const std::vector<double>& errors) {
  double mx = 0, my = 0, xy = 0, xx = 0;
  const double n = static_cast<double>(blocks.size());
  for (std::size_t i = 0; i < blocks.size(); ++i) mx -= std::log(blocks[i]) / n, my += std::log(errors[i]) / n;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const double dx = -std::log(blocks[i]) - mx;
    xy += dx * (std::log(errors[i]) - my), xx += dx * dx;
  }
  return xy / xx;
}

// a_k = a_{k+1} (I + dt df/dh_k) is Euler's method for da/dt = -(df/dh)^T a: of first order, for the states and for the
// parameters.
TEST_F(ResidualLimit, BackpropagationConvergesToTheAdjointAtFirstOrder) {
  auto limit = ode({.solver = {.rtol = 1e-12, .atol = 1e-12}, .adjoint = AdjointKind::checkpointed});
  const auto exact = limit.gradient(x, y, {});
  std::vector<double> blocks, states, parameters;
  for (Index k = 4; k <= 512; k *= 2) {
    const auto g = residual(k).gradient(x, y, {});
    blocks.push_back(static_cast<double>(k));
    states.push_back((g.x - exact.x).norm());
    parameters.push_back((g.theta - exact.theta).norm());
  }
  EXPECT_NEAR(slope(blocks, states), 1, 0.1);
  EXPECT_NEAR(slope(blocks, parameters), 1, 0.1);
  EXPECT_LT(states.back(), 2e-2 * exact.x.norm());
}

TEST_F(ResidualLimit, OwnWeightsThatAreEqualGiveTheSharedGradientBlockByBlock) {
  const ResidualOptions options{.regressor = kIdentity, .blocks = 3, .step = 0.5};
  ResidualNetwork<double> shared({field}, options);
  std::vector<std::shared_ptr<VectorField<double>>> copies;
  for (int k = 0; k < 3; ++k) copies.push_back(field->clone());
  ResidualNetwork<double> own(copies, options);
  EXPECT_EQ(shared.predict(x), own.predict(x));
  const Vector<double> one = shared.gradient(x, y, {}).theta, three = own.gradient(x, y, {}).theta;
  ASSERT_EQ(three.size(), 3 * one.size());
  EXPECT_LT((three.reshaped(one.size(), 3).rowwise().sum() - one).norm(), 1e-13 * one.norm());
  EXPECT_EQ(own.parameters().front().name.substr(0, 9), "blocks.0.");
}

}  // namespace
}  // namespace pathline

// One training step of a Neural ODE at two published sizes, timed; odeint_step.py runs it and then the same network in
// torchdiffeq. Prints JSON with the weights, the data and what was measured.
#include <algorithm>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/clock.hpp"
#include "pathline/adjoint/odeint.hpp"
#include "pathline/core/error.hpp"
#include "pathline/dynamics/motion.hpp"
#include "pathline/field/mlp.hpp"
#include "pathline/optim/adam.hpp"
#include "pathline/regression/neural_ode.hpp"

namespace pathline {
namespace {

using Json = nlohmann::ordered_json;

// The median of the seconds of a step, over a second of them.
template <class F> double median_seconds(F step) {
  std::vector<double> all;
  for (int i = 0; i < 20; ++i) step();
  for (const double begin = seconds_now(); seconds_now() - begin < 1;) {
    const double before = seconds_now();
    step();
    all.push_back(seconds_now() - before);
  }
  std::nth_element(all.begin(), all.begin() + std::ssize(all) / 2, all.end());
  return all[all.size() / 2];
}

std::vector<float> flat(const Matrix<float>& m) { return {m.data(), m.data() + m.size()}; }  // column by column

// torchdiffeq's ode_demo: a network 2-50-2, 20 windows of 10 observations of the spiral, mean absolute error.
Json spiral(double rtol, double atol) {
  constexpr Index kBatch = 20, kTimes = 10;
  Engine engine = make_stream(0, "bench.odeint");
  Mlp<float> field({.dim = 2, .hidden = {50}, .layer = LayerType::ignore});
  field.initialize(engine);
  const auto data = draw_spiral(equal_times(25, 1000)).list.front();
  const std::vector<double> times(data.times.begin(), data.times.begin() + kTimes);
  Matrix<float> observed(2, kBatch * kTimes);
  for (Index b = 0; b < kBatch; ++b) {
    const Index first = uniform_index(engine, 1000 - kTimes);
    for (Index k = 0; k < kTimes; ++k) observed.col(k * kBatch + b) = data.states.col(first + k).cast<float>();
  }
  const Matrix<float> z0 = observed.leftCols(kBatch);
  const Vector<float> start = field.theta();
  Odeint<float> ode({.solver = {.rtol = rtol, .atol = atol}});
  Adam adam(start.size());
  Vector<double> theta = start.cast<double>();
  Matrix<float> bar(2, kBatch * kTimes);
  Vector<float> gradient;
  Index forward = 0, backward = 0;
  const auto step = [&] {
    field.set_theta(theta.cast<float>());
    const auto& states = ode.solve(field, z0, times);
    bar = (states - observed).array().sign() / static_cast<float>(states.size());
    const auto& got = ode.pullback(field, bar);
    if (forward == 0) gradient = got.theta, forward = ode.report().evaluations, backward = got.report.evaluations;
    adam.step(theta, got.theta.cast<double>(), 1e-3);
    theta = start.cast<double>();  // every step is the first, so that both programs do the same work
  };
  const double seconds = median_seconds(step);
  return {{"seconds", seconds},
          {"rtol", rtol},
          {"atol", atol},
          {"nfe", forward},
          {"backward_nfe", backward},
          {"theta", std::vector<float>(start.begin(), start.end())},
          {"times", times},
          {"observed", flat(observed)},
          {"gradient", std::vector<float>(gradient.begin(), gradient.end())}};
}

// The tutorial's ODE net: 2-20-1 of (h, t), ten points of a cubic, full-batch gradient descent.
Json tutorial(double rtol, double atol) {
  Engine engine = make_stream(1, "bench.odeint");
  auto field = std::make_shared<Mlp<float>>(
      MlpOptions{.dim = 1, .hidden = {20}, .layer = LayerType::concat, .time_at_input = true});
  field->initialize(engine);
  NeuralOde<float> model(field, {.regressor = {.readout = RegressorOptions::Readout::first},
                                 .solve = {.solver = {.rtol = rtol, .atol = atol}}});
  const Matrix<float> x = RowVector<float>::LinSpaced(10, -2, 2), y = x.array().cube() + 0.1f * x.array();
  const Vector<double> start = model.theta();
  Vector<double> gradient;
  const auto step = [&] {
    model.set_theta(start);
    const auto& got = model.gradient(x, y, {});
    if (gradient.size() == 0) gradient = got.theta;
    Vector<double> theta = start - 0.01 * got.theta;
    if (!theta.allFinite()) throw NumericalError("a step is not finite");
  };
  const double seconds = median_seconds(step);
  return {{"seconds", seconds},
          {"rtol", rtol},
          {"atol", atol},
          {"nfe", model.report().evaluations},
          {"theta", std::vector<double>(start.begin(), start.end())},
          {"x", flat(x)},
          {"y", flat(y)},
          {"gradient", std::vector<double>(gradient.begin(), gradient.end())}};
}

}  // namespace
}  // namespace pathline

int main() {
  using namespace pathline;
  fmt::print("{}\n", Json{{"spiral", {spiral(1e-5, 1e-5), spiral(1e-7, 1e-9)}},
                          {"tutorial", {tutorial(1e-5, 1e-5), tutorial(1e-7, 1e-9)}}}
                         .dump());
}

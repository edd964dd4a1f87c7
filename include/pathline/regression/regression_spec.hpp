/// \file
/// The architecture of a regression model in numbers and names, from which it is built again.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "pathline/adjoint/odeint.hpp"
#include "pathline/field/activation.hpp"
#include "pathline/regression/regressor.hpp"

namespace pathline {

enum class RegressorKind { neural_ode, resnet };
[[nodiscard]] RegressorKind parse_regressor(const std::string& name);  ///< InputError with the allowed names
[[nodiscard]] std::string to_string(RegressorKind kind);
[[nodiscard]] const std::vector<std::string>& regressor_names();

/// A residual network or a Neural ODE whose fields are multilayer networks.
struct RegressionSpec {
  RegressorKind kind = RegressorKind::neural_ode;
  RegressorOptions maps = {};
  Index augmented = 0;               ///< >= 0: dimensions of the hidden state beyond those of x
  std::vector<Index> hidden = {32};  ///< widths of each network, each >= 1
  Activation activation = Activation::tanh;
  Index blocks = 3;                                                ///< resnet: K, >= 1, with steps of 1
  bool share_weights = false;                                      ///< resnet: one network for all blocks
  OdeintOptions solve = {.solver = {.rtol = 1e-4, .atol = 1e-4}};  ///< neural_ode: over [0, 1]; its networks see (t, h)
};

/// How the weights start: uniform in +-1/sqrt(fan-in), torch's default, or standard normal, weights and biases alike.
enum class WeightStart { uniform, normal };

/// Builds the model with weights drawn from the engine. InputError for a value out of its range.
template <class S> [[nodiscard]] std::unique_ptr<Regressor<S>> make_regressor(const RegressionSpec& spec,
                                                                              Engine& engine,
                                                                              WeightStart start = WeightStart::uniform);

/// The integral of the squared second derivative of output `output` over the input x in [low, high], for a model of one
/// input, from second differences on 2,000 equal steps: how rough the curve is. They divide the error of an ODE solve
/// by the square of the step: give the model a tolerance of 1e-9 or less, or fixed steps.
[[nodiscard]] double roughness(Regressor<double>& model, double low, double high, Index output = 0);

extern template std::unique_ptr<Regressor<float>> make_regressor<float>(const RegressionSpec&, Engine&, WeightStart);
extern template std::unique_ptr<Regressor<double>> make_regressor<double>(const RegressionSpec&, Engine&, WeightStart);

}  // namespace pathline

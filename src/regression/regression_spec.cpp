#include "pathline/regression/regression_spec.hpp"

#include "core/memory.hpp"
#include "core/named_value.hpp"
#include "core/option_check.hpp"
#include "pathline/field/mlp.hpp"
#include "pathline/regression/neural_ode.hpp"
#include "pathline/regression/residual_network.hpp"

namespace pathline {
namespace {

template <class S>
std::shared_ptr<VectorField<S>> make_network(const RegressionSpec& spec, Index dim, Engine& engine, WeightStart start) {
  const bool sees_time = spec.kind == RegressorKind::neural_ode;
  auto mlp = std::make_shared<Mlp<S>>(MlpOptions{.dim = dim,
                                                 .hidden = spec.hidden,
                                                 .layer = sees_time ? LayerType::concat : LayerType::ignore,
                                                 .activation = spec.activation,
                                                 .time_at_input = true});
  if (start == WeightStart::uniform) {
    mlp->initialize(engine);
  } else {
    Matrix<S> theta(mlp->theta().size(), 1);
    fill_normal<S>(engine, theta);
    mlp->set_theta(theta.col(0));
  }
  return mlp;
}

}  // namespace

const std::vector<std::string>& regressor_names() {
  static const std::vector<std::string> names = {"neural_ode", "resnet"};
  return names;
}
RegressorKind parse_regressor(const std::string& name) {
  return parse_named<RegressorKind>("model", name, regressor_names());
}
std::string to_string(RegressorKind kind) { return regressor_names()[static_cast<std::size_t>(kind)]; }

template <class S>
std::unique_ptr<Regressor<S>> make_regressor(const RegressionSpec& spec, Engine& engine, WeightStart start) {
  require(spec.augmented >= 0, "augmented", spec.augmented, ">= 0");
  require_memory("augmented", spec.augmented, training_bytes(static_cast<double>(spec.augmented)));
  require(spec.blocks >= 1, "blocks", spec.blocks, ">= 1");
  const Index dim = spec.maps.inputs + spec.augmented;
  std::unique_ptr<Regressor<S>> model;
  if (spec.kind == RegressorKind::neural_ode) {
    model = std::make_unique<NeuralOde<S>>(make_network<S>(spec, dim, engine, start),
                                           NeuralOdeOptions{.regressor = spec.maps, .solve = spec.solve});
  } else {
    std::vector<std::shared_ptr<VectorField<S>>> fields;
    for (Index k = 0; k < (spec.share_weights ? 1 : spec.blocks); ++k)
      fields.push_back(make_network<S>(spec, dim, engine, start));
    model = std::make_unique<ResidualNetwork<S>>(std::move(fields),
                                                 ResidualOptions{.regressor = spec.maps, .blocks = spec.blocks});
  }
  model->initialize(engine);
  return model;
}

double roughness(Regressor<double>& model, double low, double high, Index output) {
  require(model.options().inputs == 1, "inputs", model.options().inputs, "1");
  constexpr Index kSteps = 2000;
  const double h = (high - low) / kSteps;
  const Matrix<double> y = model.predict(RowVector<double>::LinSpaced(kSteps + 1, low, high));
  double sum = 0;
  for (Index i = 1; i < kSteps; ++i) {
    const double bend = (y(output, i + 1) - 2 * y(output, i) + y(output, i - 1)) / (h * h);
    sum += h * bend * bend;
  }
  return sum;
}

template std::unique_ptr<Regressor<float>> make_regressor<float>(const RegressionSpec&, Engine&, WeightStart);
template std::unique_ptr<Regressor<double>> make_regressor<double>(const RegressionSpec&, Engine&, WeightStart);

}  // namespace pathline

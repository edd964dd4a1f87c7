#include "pathline/recipe/build_flow.hpp"

#include <algorithm>

#include "pathline/core/error.hpp"
#include "pathline/field/mlp.hpp"
#include "pathline/field/potential_field.hpp"

namespace pathline {

TraceOptions trace_options(const TraceRecipe& r) {
  return {.kind = r.kind == "exact" ? TraceKind::exact : TraceKind::hutchinson,
          .noise = r.noise == "gaussian" ? ProbeNoise::gaussian : ProbeNoise::rademacher,
          .probes = r.probes};
}

SolverOptions solver_options(const SolverRecipe& r) {
  return {
      .stepper = parse_stepper(r.stepper), .rtol = r.rtol, .atol = r.atol, .steps = r.steps, .max_steps = r.max_steps};
}

SolverOptions solver_options(const EvaluationRecipe& r) {
  return {
      .stepper = parse_stepper(r.stepper), .rtol = r.rtol, .atol = r.atol, .steps = r.steps, .max_steps = r.max_steps};
}

EvaluationRecipe evaluation_recipe(const SolverOptions& o) {
  return {.stepper = to_string(o.stepper), .rtol = o.rtol, .atol = o.atol, .steps = o.steps, .max_steps = o.max_steps};
}

RegularizerWeights regularizer_weights(const ObjectiveRecipe& r) {
  return {.kinetic = r.kinetic, .jacobian = r.jacobian, .transport = r.transport, .hjb = r.hjb,
          .l1int = r.l1int, .l2int = r.l2int, .dl2int = r.dl2int,
          .JFrobint = r.JFrobint, .JdiagFrobint = r.JdiagFrobint, .JoffdiagFrobint = r.JoffdiagFrobint};
}

namespace {

template <class S>
std::shared_ptr<VectorField<S>> build_mlp(const ModelRecipe& m, Index dim, Index condition_dim, Engine& engine) {
  auto field = std::make_shared<Mlp<S>>(MlpOptions{.dim = dim,
                                                   .condition_dim = condition_dim,
                                                   .hidden = m.hidden,
                                                   .layer = parse_layer_type(m.layer),
                                                   .activation = parse_activation(m.activation),
                                                   .residual = m.residual,
                                                   .time_frequencies = m.time_features});
  field->initialize(engine);
  return field;
}

template <class S>
std::shared_ptr<VectorField<S>> build_potential(const ModelRecipe& m, Index dim, Index condition_dim, Engine& engine) {
  if (m.hidden.empty() || std::count(m.hidden.begin(), m.hidden.end(), m.hidden.front()) != std::ssize(m.hidden))
    throw InputError(
        "model.hidden: a potential needs at least one layer, and all layers must have the same width: 32,32");
  auto field =
      std::make_shared<PotentialField<S>>(PotentialFieldOptions{.dim = dim,
                                                                .condition_dim = condition_dim,
                                                                .width = m.hidden.front(),
                                                                .layers = static_cast<Index>(m.hidden.size())});
  field->initialize(engine);
  return field;
}

}  // namespace

ModelRecipe with_hidden(ModelRecipe model, Index dim) {
  if (model.hidden != std::vector<Index>{0}) return model;
  model.hidden = dim > 2 && model.field == "mlp" ? std::vector<Index>{96, 96} : std::vector<Index>{64, 64, 64};
  return model;
}

template <class S> Flow<S> build_flow(const Recipe& recipe, Index dim, Index condition_dim) {
  const ModelRecipe m = with_hidden(recipe.model, dim);
  for (const auto& stage : recipe.objective)
    if (m.base == "uniform" && stage.kind == "likelihood")
      throw InputError(
          "model.base = uniform: the likelihood is 0 outside a box and constant inside; use another base, or "
          "only objective.kind = flow_matching");
  Engine engine = make_stream(static_cast<std::uint64_t>(recipe.train.seed), "train.initialize");
  std::vector<Cnf<S>> blocks;
  for (Index i = 0; i < m.blocks; ++i) {
    auto field = m.field == "potential" ? build_potential<S>(m, dim, condition_dim, engine)
                                        : build_mlp<S>(m, dim, condition_dim, engine);
    blocks.push_back({std::move(field), m.end_time, FieldClock::base_to_data, m.train_end_time});
  }
  std::vector<BatchNorm<S>> norms;
  if (m.batch_norm) norms.assign(static_cast<std::size_t>(m.blocks) + 1, BatchNorm<S>(dim));
  Flow<S> flow(std::move(blocks), std::move(norms));
  flow.base = make_base(parse_base(m.base), dim, m.base_components, engine);
  return flow;
}

template Flow<float> build_flow<float>(const Recipe&, Index, Index);
template Flow<double> build_flow<double>(const Recipe&, Index, Index);

}  // namespace pathline

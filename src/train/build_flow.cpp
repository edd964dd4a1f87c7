#include "pathline/train/build_flow.hpp"

#include "pathline/core/error.hpp"
#include "pathline/model/mlp.hpp"

namespace pathline {

TraceOptions trace_options(const TraceRecipe& r) {
  return {.kind = r.kind == "exact" ? TraceKind::exact : TraceKind::hutchinson,
          .noise = r.noise == "gaussian" ? ProbeNoise::gaussian : ProbeNoise::rademacher,
          .probes = r.probes};
}

SolverOptions solver_options(const SolverRecipe& r) {
  return {.stepper = parse_stepper(r.stepper), .rtol = r.rtol, .atol = r.atol, .steps = r.steps, .max_steps = r.max_steps};
}

SolverOptions solver_options(const EvaluationRecipe& r) {
  return {.stepper = parse_stepper(r.stepper), .rtol = r.rtol, .atol = r.atol, .steps = r.steps, .max_steps = r.max_steps};
}

RegularizerWeights regularizer_weights(const ObjectiveRecipe& r) {
  return {.kinetic = r.kinetic, .jacobian = r.jacobian, .l1int = r.l1int, .l2int = r.l2int, .dl2int = r.dl2int,
          .JFrobint = r.JFrobint, .JdiagFrobint = r.JdiagFrobint, .JoffdiagFrobint = r.JoffdiagFrobint};
}

template <class S> Flow<S> build_flow(const Recipe& recipe, Index dim, Index condition_dim) {
  const auto& m = recipe.model;
  if (m.field != "mlp") throw InputError("model.field = " + m.field + ": is not there yet; expected mlp");
  Engine engine = make_stream(static_cast<std::uint64_t>(recipe.train.seed), "train.initialize");
  std::vector<Cnf<S>> blocks;
  for (Index i = 0; i < m.blocks; ++i) {
    auto field = std::make_shared<Mlp<S>>(MlpOptions{.dim = dim,
                                                     .condition_dim = condition_dim,
                                                     .hidden = m.hidden,
                                                     .layer = parse_layer_type(m.layer),
                                                     .activation = parse_activation(m.activation),
                                                     .residual = m.residual,
                                                     .time_frequencies = m.time_features});
    field->initialize(engine);
    blocks.push_back({std::move(field), m.end_time, FieldClock::base_to_data, m.train_end_time});
  }
  Flow<S> flow(std::move(blocks));
  if (m.batch_norm) flow.norms.assign(static_cast<std::size_t>(m.blocks) + 1, BatchNorm(dim));
  flow.base = make_base(parse_base(m.base), dim, m.base_components, engine);
  return flow;
}

template Flow<float> build_flow<float>(const Recipe&, Index, Index);
template Flow<double> build_flow<double>(const Recipe&, Index, Index);

}  // namespace pathline

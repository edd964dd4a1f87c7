#include "pathline/recipe/build_flow.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/memory.hpp"
#include "pathline/core/error.hpp"
#include "pathline/field/mlp.hpp"
#include "pathline/field/potential_field.hpp"
#include "pathline/transform/planar.hpp"
#include "pathline/transform/radial.hpp"
#include "recipe/in_table.hpp"
#include "recipe/member_seed.hpp"

namespace pathline {

namespace {

template <class S>
std::shared_ptr<VectorField<S>> build_mlp(MlpOptions options, Index dim, Index condition_dim, Engine& engine) {
  options.dim = dim, options.condition_dim = condition_dim;
  auto field = std::make_shared<Mlp<S>>(options);
  field->initialize(engine);
  return field;
}

template <class S>
std::shared_ptr<VectorField<S>> build_potential(const ModelRecipe& m, Index dim, Index condition_dim, Engine& engine) {
  const auto& hidden = m.network.hidden;
  if (hidden.empty() || std::count(hidden.begin(), hidden.end(), hidden.front()) != std::ssize(hidden))
    throw InputError("hidden: a potential needs at least one layer, and all layers must have the same width: 32,32");
  auto field = std::make_shared<PotentialField<S>>(PotentialFieldOptions{.dim = dim,
                                                                         .condition_dim = condition_dim,
                                                                         .width = hidden.front(),
                                                                         .layers = static_cast<Index>(hidden.size())});
  field->initialize(engine);
  return field;
}

// Throws InputError, in the keys of the recipe, for a field that the model cannot have.
template <class S>
std::shared_ptr<VectorField<S>> build_field(const ModelRecipe& m, Index dim, Index condition_dim, Engine& engine) {
  return in_table("model", [&] {
    return m.field == FieldKind::potential ? build_potential<S>(m, dim, condition_dim, engine)
                                           : build_mlp<S>(m.network, dim, condition_dim, engine);
  });
}

}  // namespace

ModelRecipe with_hidden(ModelRecipe model, Index dim) {
  auto& hidden = model.network.hidden;
  if (hidden != ModelRecipe{}.network.hidden) return model;
  hidden = dim > 2 && model.field == FieldKind::mlp ? std::vector<Index>{96, 96} : MlpOptions{}.hidden;
  return model;
}

namespace {

// Adds the transforms of [model.transforms] at the data's end.
template <class S>
void add_layers(Chain<S>& chain, const ModelRecipe& m, Index dim, Index condition_dim, Engine& engine) {
  const auto kind = m.layers.kind;
  CouplingOptions o = m.layers.coupling;
  o.kind = kind == LayerKind::affine_coupling ? CouplingKind::affine : CouplingKind::spline;
  o.dim = dim, o.condition_dim = condition_dim;
  o.activation = m.network.activation, o.residual = m.network.residual;
  const auto halves = alternating_halves(dim, m.layers.count, engine);
  for (Index i = 0; i < m.layers.count; ++i) {
    if (kind == LayerKind::planar) {
      chain.add(Planar<S>(dim)).initialize(engine);
    } else if (kind == LayerKind::radial) {
      chain.add(Radial<S>(dim)).initialize(engine);
    } else {
      o.moved = halves[static_cast<std::size_t>(i)];
      in_table("model.transforms", [&] { chain.add(CouplingLayer<S>(o)).initialize(engine); });
    }
    if (i == 0)
      require_memory("model.transforms.count", m.layers.count,
                     training_bytes(static_cast<double>(m.layers.count * chain[chain.size() - 1].parameter_count())));
  }
}

void check_layers(const ModelRecipe& m, Index condition_dim) {
  const bool coupling = m.layers.kind == LayerKind::spline_coupling || m.layers.kind == LayerKind::affine_coupling;
  if (m.blocks == 0 && m.layers.count == 0)
    throw InputError("model.blocks = 0: a flow needs a block, or model.transforms.count >= 1");
  if (m.blocks == 0 && m.batch_norm) throw InputError("model.batch_norm needs model.blocks >= 1");
  if (m.blocks == 0 && !coupling && condition_dim > 0)
    throw InputError(
        fmt::format("model.transforms.kind = {}: ignores data.condition; use a coupling or model.blocks >= 1",
                    layer_names()[static_cast<std::size_t>(m.layers.kind)]));
}

template <class S> Flow<S> build(const Recipe& recipe, const ModelRecipe& m, Index dim, Index condition_dim) {
  for (const auto& stage : recipe.objective)
    if (m.base == BaseKind::uniform && stage.kind == ObjectiveKind::likelihood)
      throw InputError(
          "model.base = uniform: the likelihood is 0 outside a box and constant inside; use another base, or "
          "only objective.kind = flow_matching");
  check_layers(m, condition_dim);
  Engine engine = make_stream(member_seed(recipe), "train.initialize");
  std::vector<Cnf<S>> blocks;
  for (Index i = 0; i < m.blocks; ++i) {
    blocks.push_back(
        {build_field<S>(m, dim, condition_dim, engine), m.end_time, FieldClock::base_to_data, m.train_end_time});
    const auto weights = static_cast<double>(blocks.front().field->theta().size());
    if (i == 0) require_memory("model.blocks", m.blocks, training_bytes(weights * static_cast<double>(m.blocks)));
  }
  std::vector<BatchNorm<S>> norms;
  if (m.batch_norm) norms.assign(static_cast<std::size_t>(m.blocks) + 1, BatchNorm<S>(dim));
  Chain<S> chain;
  if (m.blocks > 0) chain = Flow<S>(std::move(blocks), std::move(norms)).chain;
  add_layers(chain, m, dim, condition_dim, engine);
  Flow<S> flow(std::move(chain));
  flow.base = in_table("model", [&] { return make_base(m.base, dim, m.base_components, engine, condition_dim); });
  return flow;
}

}  // namespace

template <class S> Flow<S> build_flow(const Recipe& recipe, Index dim, Index condition_dim) {
  const ModelRecipe m = with_hidden(recipe.model, dim);
  const std::string what =
      fmt::format("a flow of {} columns with model.hidden = [{}] and model.blocks = {}; use narrower layers", dim,
                  fmt::join(m.network.hidden, ", "), m.blocks);
  return with_memory(what, [&] { return build<S>(recipe, m, dim, condition_dim); });
}

template Flow<float> build_flow<float>(const Recipe&, Index, Index);
template Flow<double> build_flow<double>(const Recipe&, Index, Index);

}  // namespace pathline

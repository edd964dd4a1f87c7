#include "pathline/recipe/build_stages.hpp"

#include <algorithm>

#include "pathline/core/error.hpp"
#include "pathline/recipe/build_data.hpp"
#include "pathline/recipe/build_flow.hpp"
#include "recipe/in_table.hpp"
#include "recipe/member_seed.hpp"
#include "train/stage_plan.hpp"

namespace pathline {
namespace {

GradientOptions gradient_options(const Recipe& recipe, const ObjectiveRecipe& stage) {
  GradientOptions options = recipe.gradient;
  options.regularizers = stage.regularizers;
  options.seed = member_seed(recipe), options.base = recipe.model.base_train;
  return options;
}

MatchingOptions matching_options(const Recipe& recipe, const ObjectiveRecipe& stage) {
  MatchingOptions options = stage.matching;
  options.seed = member_seed(recipe);
  return options;
}

// Refuses what the regression has no gradient of, unless another stage has one.
void check_flow_matching(const Recipe& recipe, const ObjectiveRecipe& o) {
  const std::string kind = "objective.kind = flow_matching: ";
  if (recipe.model.blocks != 1 || recipe.model.batch_norm || recipe.model.layers.count > 0)
    throw InputError(kind + "needs model.blocks = 1, model.batch_norm = false and no model.transforms");
  if (o.regularizers.any() || o.steer > 0)
    throw InputError(
        kind +
        "does not solve the ODE and therefore accepts no regularizer and no steer; use them in a likelihood stage");
  if (o.matching.coupling == Coupling::optimal_transport && !recipe.data.reading.condition.empty())
    throw InputError(
        "objective.coupling = ot would pair samples of different conditions, so that the base depends on the "
        "condition; "
        "expected independent");
  const auto& stages = recipe.objective;
  if (!std::all_of(stages.begin(), stages.end(), [](const auto& s) { return s.kind == ObjectiveKind::flow_matching; }))
    return;
  if (recipe.model.train_end_time) throw InputError(kind + "does not train the end time; add a likelihood stage");
  const bool has_parameters = recipe.model.base != BaseKind::normal && recipe.model.base != BaseKind::uniform;
  if (has_parameters && recipe.model.base_train)
    throw InputError(kind + "does not train the base; add a likelihood stage or set model.base_train = false");
}

void check_reverse_kl(const Recipe& recipe, const ObjectiveRecipe& o) {
  if (o.target.empty()) throw InputError("objective.target is empty; reverse_kl needs a target");
  if (recipe.model.batch_norm || !recipe.data.reading.condition.empty() || recipe.data.preparing.logit > 0)
    throw InputError("objective.kind = reverse_kl does not support model.batch_norm, data.condition or data.logit");
  if (recipe.model.base != BaseKind::normal && recipe.model.base_train)
    throw InputError("objective.kind = reverse_kl does not train the base; set model.base_train = false");
  if (o.steer > 0) throw InputError("objective.steer applies only to kind = \"likelihood\"");
  if (o.regularizers.any()) throw InputError("objective.kind = reverse_kl does not support regularizers");
}

// Checks what the regularizers need from the model and from the trace.
void check_regularizers(const Recipe& recipe, const ObjectiveRecipe& o) {
  if (o.regularizers.needs_potential() && recipe.model.field != FieldKind::potential)
    throw InputError("objective.hjb needs model.field = potential");
  if (o.regularizers.needs_exact_trace() && recipe.gradient.trace.kind != TraceKind::exact)
    throw InputError(
        "objective.dl2int, JFrobint, JdiagFrobint and JoffdiagFrobint need the whole Jacobian; set trace.kind = exact");
}

template <class S> std::shared_ptr<Objective<S>> build_objective(const Recipe& recipe, const ObjectiveRecipe& o,
                                                                 const std::optional<Target>& user) {
  check_regularizers(recipe, o);
  if (recipe.model.blocks == 0 && (o.regularizers.any() || o.steer > 0))
    throw InputError("regularizers and objective.steer are of an ODE, and need model.blocks >= 1");
  if (o.kind == ObjectiveKind::flow_matching) {
    check_flow_matching(recipe, o);
    return flow_matching<S>(matching_options(recipe, o));
  }
  if (o.kind == ObjectiveKind::likelihood)
    return in_table("solver",
                    [&] { return maximum_likelihood<S>({.gradient = gradient_options(recipe, o), .steer = o.steer}); });
  check_reverse_kl(recipe, o);
  const auto target = named_target(o.target, user);
  return in_table("solver",
                  [&] { return reverse_kl<S>(target, {.gradient = gradient_options(recipe, o), .anneal = o.anneal}); });
}

}  // namespace

TrainerOptions trainer_options(const Recipe& recipe) {
  TrainerOptions options = recipe.train;
  in_table("solver.evaluation", [&] { options.evaluation.solver.check(); });
  options.evaluation.trace = recipe.gradient.trace;
  if (!recipe.model.base_train) options.frozen = {"base."};
  options.validation_draws = std::max<Index>(recipe.data.reading.validation_size, 1);
  options.test_draws = std::max<Index>(recipe.data.reading.test_size, 1);
  options.recipe = to_toml(recipe);
  return options;
}

template <class S> std::vector<Stage<S>> build_stages(const Recipe& recipe, const std::optional<Target>& user) {
  std::vector<StageRequest> requests;
  for (const auto& o : recipe.objective)
    requests.push_back({to_string(o.kind), o.iterations, o.batch, o.learning_rate});
  in_table("train", [&] { plan_stages(requests, trainer_options(recipe)); });
  std::vector<Stage<S>> stages;
  for (const auto& o : recipe.objective)
    stages.push_back({build_objective<S>(recipe, o, user), o.iterations, o.batch, o.learning_rate});
  return stages;
}

Index beyond_stages(const Recipe& recipe) {
  Index asked = 0;
  for (const auto& stage : recipe.objective) {
    if (stage.iterations == 0) return 0;
    asked += stage.iterations;
  }
  return std::max<Index>(0, recipe.train.iterations - asked);
}

template std::vector<Stage<float>> build_stages<float>(const Recipe&, const std::optional<Target>&);
template std::vector<Stage<double>> build_stages<double>(const Recipe&, const std::optional<Target>&);

}  // namespace pathline

#include "pathline/recipe/build_stages.hpp"

#include <algorithm>

#include "pathline/core/error.hpp"
#include "pathline/recipe/build_data.hpp"
#include "pathline/recipe/build_flow.hpp"
#include "recipe/in_table.hpp"
#include "train/stage_plan.hpp"

namespace pathline {
namespace {

GradientOptions gradient_options(const Recipe& recipe, const ObjectiveRecipe& stage) {
  return {.solver = solver_options(recipe.solver),
          .trace = trace_options(recipe.trace),
          .adjoint = parse_adjoint(recipe.solver.adjoint),
          .regularizers = regularizer_weights(stage),
          .seed = static_cast<std::uint64_t>(recipe.train.seed),
          .tile = recipe.train.tile,
          .base = recipe.model.base_train};
}

MatchingOptions matching_options(const Recipe& recipe, const ObjectiveRecipe& stage) {
  return {.coupling = stage.coupling == "ot" ? Coupling::optimal_transport : Coupling::independent,
          .path = stage.path == "linear" ? MatchingPath::linear : MatchingPath::variance_preserving,
          .time_sampling = stage.time_sampling == "uniform" ? TimeSampling::uniform : TimeSampling::logit_normal,
          .sigma = stage.sigma,
          .seed = static_cast<std::uint64_t>(recipe.train.seed)};
}

// What the regression has no gradient of is refused, unless another stage has.
void check_flow_matching(const Recipe& recipe, const ObjectiveRecipe& o) {
  const std::string kind = "objective.kind = flow_matching: ";
  if (recipe.model.blocks > 1 || recipe.model.batch_norm)
    throw InputError(kind + "needs model.blocks = 1 and model.batch_norm = false");
  if (regularizer_weights(o).any() || o.steer > 0)
    throw InputError(
        kind +
        "does not solve the ODE and therefore accepts no regularizer and no steer; use them in a likelihood stage");
  if (o.coupling == "ot" && !recipe.data.condition.empty())
    throw InputError(
        "objective.coupling = ot would pair samples of different conditions, so that the base depends on the "
        "condition; "
        "expected independent");
  const auto& stages = recipe.objective;
  if (!std::all_of(stages.begin(), stages.end(), [](const auto& s) { return s.kind == "flow_matching"; })) return;
  if (recipe.model.train_end_time) throw InputError(kind + "does not train the end time; add a likelihood stage");
  const bool has_parameters = recipe.model.base != "normal" && recipe.model.base != "uniform";
  if (has_parameters && recipe.model.base_train)
    throw InputError(kind + "does not train the base; add a likelihood stage or set model.base_train = false");
}

void check_reverse_kl(const Recipe& recipe, const ObjectiveRecipe& o) {
  if (o.target.empty()) throw InputError("objective.target is empty; reverse_kl needs a target");
  if (recipe.model.batch_norm || !recipe.data.condition.empty() || recipe.data.logit > 0)
    throw InputError("objective.kind = reverse_kl does not support model.batch_norm, data.condition or data.logit");
  if (recipe.model.base != "normal" && recipe.model.base_train)
    throw InputError("objective.kind = reverse_kl does not train the base; set model.base_train = false");
  if (o.steer > 0) throw InputError("objective.steer applies only to kind = \"likelihood\"");
}

template <class S> std::shared_ptr<Objective<S>> build_objective(const Recipe& recipe, const ObjectiveRecipe& o,
                                                                 const std::optional<Target>& user) {
  if (o.hjb > 0 && recipe.model.field != "potential") throw InputError("objective.hjb needs model.field = potential");
  if (o.kind == "likelihood") return maximum_likelihood<S>({.gradient = gradient_options(recipe, o), .steer = o.steer});
  if (o.kind == "flow_matching") {
    check_flow_matching(recipe, o);
    return flow_matching<S>(matching_options(recipe, o));
  }
  check_reverse_kl(recipe, o);
  return reverse_kl<S>(named_target(o.target, user), {.gradient = gradient_options(recipe, o), .anneal = o.anneal});
}

AdamOptions adam_options(const OptimizerRecipe& r) {
  return {.learning_rate = r.learning_rate,
          .beta1 = r.beta1,
          .beta2 = r.beta2,
          .epsilon = r.epsilon,
          .weight_decay = r.weight_decay,
          .decay = r.name == "adamw" ? AdamOptions::Decay::decoupled : AdamOptions::Decay::l2};
}

Schedule schedule(const OptimizerRecipe& r) {
  return {.kind = r.schedule == "cosine" ? Schedule::Kind::cosine
                  : r.schedule == "step" ? Schedule::Kind::step
                                         : Schedule::Kind::constant,
          .warmup = r.warmup,
          .final = r.final,
          .decay_every = r.decay_every,
          .decay_factor = r.decay_factor};
}

}  // namespace

TrainerOptions trainer_options(const Recipe& recipe) {
  const auto& t = recipe.train;
  const auto seed = static_cast<std::uint64_t>(t.seed);
  return {.iterations = t.iterations,
          .batch = t.batch,
          .adam = adam_options(recipe.optimizer),
          .schedule = schedule(recipe.optimizer),
          .clip = recipe.optimizer.clip,
          .ema = recipe.optimizer.ema,
          .frozen = recipe.model.base_train ? std::vector<std::string>{} : std::vector<std::string>{"base."},
          .evaluate_every = t.evaluate_every,
          .checkpoint_every = t.checkpoint_every,
          .patience = t.patience,
          .evaluation = {.solver = solver_options(recipe.solver.evaluation), .trace = trace_options(recipe.trace)},
          .validation_draws = std::max<Index>(recipe.data.validation_size, 1),
          .test_draws = std::max<Index>(recipe.data.test_size, 1),
          .seed = seed,
          .recipe = to_toml(recipe)};
}

template <class S> std::vector<Stage<S>> build_stages(const Recipe& recipe, const std::optional<Target>& user) {
  std::vector<StageRequest> requests;
  for (const auto& o : recipe.objective) requests.push_back({o.kind, o.iterations, o.batch, o.learning_rate});
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

#include "train/objective.hpp"

#include <algorithm>
#include <cmath>

#include "pathline/core/error.hpp"
#include "pathline/objective/flow_matching.hpp"
#include "pathline/objective/reverse_kl.hpp"
#include "pathline/recipe/build_flow.hpp"
#include "train/stage_plan.hpp"

namespace pathline {
namespace {

// Samples solved together: as few tiles as have at most 64 each, of one size, so that no thread waits for a short one.
// A function of the batch alone: results do not depend on the threads.
Index tile_of(const Recipe& recipe, const ObjectiveRecipe& stage) {
  if (recipe.train.tile > 0) return recipe.train.tile;
  const Index batch = batch_of(recipe, stage), tiles = (batch + 63) / 64;
  return (batch + tiles - 1) / tiles;
}

GradientOptions gradient_options(const Recipe& recipe, const ObjectiveRecipe& stage) {
  return {.solver = solver_options(recipe.solver),
          .trace = trace_options(recipe.trace),
          .adjoint = parse_adjoint(recipe.solver.adjoint),
          .regularizers = regularizer_weights(stage),
          .seed = static_cast<std::uint64_t>(recipe.train.seed),
          .tile = tile_of(recipe, stage)};
}

// Maximum likelihood by the adjoint, with regularizers; STEER draws the end time (Ghosh et al. 2020, eq. 5).
template <class S> class Likelihood final : public Objective<S> {
 public:
  Likelihood(const Recipe& recipe, const ObjectiveRecipe& stage)
      : solver_(gradient_options(recipe, stage)),
        steer_(stage.steer),
        seed_(static_cast<std::uint64_t>(recipe.train.seed)) {}

  ObjectiveGradient operator()(const Flow<S>& flow, ConstMatrixRef<double> x, ConstMatrixRef<double> c,
                               Index iteration) override {
    const auto step = static_cast<std::uint64_t>(iteration);
    if (steer_ == 0) return result(solver_(flow, x, c, step));
    Flow<S> moved = flow.share();  // of the same fields, which are not changed
    Engine engine = make_stream(seed_, "train.steer", step);
    std::vector<double> stretch;
    for (auto* block : moved.blocks()) {
      stretch.push_back(uniform(engine, 1 - steer_, 1 + steer_));
      block->end_time *= stretch.back();
    }
    auto g = solver_(moved, x, c, step);
    std::size_t solve = 0;
    const auto at = flow.chain.offsets();
    for (std::size_t i = 0; i < flow.chain.size(); ++i) {
      const auto* block = dynamic_cast<const Cnf<S>*>(&flow.chain[i]);
      if (!block) continue;
      if (block->train_end_time)  // sqrt(u T) as a function of sqrt(T)
        g.theta[at[i] + block->parameter_count() - 1] *= std::sqrt(stretch[solve]);
      ++solve;
    }
    return result(std::move(g));
  }
  std::vector<double> first_steps() const override { return solver_.first_steps(); }
  void set_first_steps(std::vector<double> steps) override { solver_.set_first_steps(std::move(steps)); }

 private:
  static ObjectiveGradient result(NllGradient g) {
    return {g.nll + g.penalty, std::move(g.theta), g.nfe, g.backward_nfe, std::move(g.statistics)};
  }

  NllGradientSolver<S> solver_;
  double steer_;
  std::uint64_t seed_;
};

template <class S> class Matching final : public Objective<S> {
 public:
  Matching(const Recipe& recipe, const ObjectiveRecipe& stage)
      : matching_(
            {.coupling = stage.coupling == "ot" ? Coupling::optimal_transport : Coupling::independent,
             .path = stage.path == "linear" ? MatchingPath::linear : MatchingPath::variance_preserving,
             .time_sampling = stage.time_sampling == "uniform" ? TimeSampling::uniform : TimeSampling::logit_normal,
             .sigma = stage.sigma,
             .seed = static_cast<std::uint64_t>(recipe.train.seed)}) {}

  ObjectiveGradient operator()(const Flow<S>& flow, ConstMatrixRef<double> x, ConstMatrixRef<double> c,
                               Index iteration) override {
    auto g = matching_(flow, x, c, static_cast<std::uint64_t>(iteration));
    return {g.loss, std::move(g.theta), 0, 0, {}};
  }

 private:
  FlowMatching<S> matching_;
};

// Draws of the flow itself, as many as the batch has: the data is not looked at.
template <class S> class ReverseKl final : public Objective<S> {
 public:
  ReverseKl(const Recipe& recipe, const ObjectiveRecipe& stage, const StagePlan& plan,
            const std::optional<Target>& user)
      : solver_(named_target(stage.target, user), gradient_options(recipe, stage)),
        anneal_(stage.anneal),
        plan_(plan) {}

  ObjectiveGradient operator()(const Flow<S>& flow, ConstMatrixRef<double> x, ConstMatrixRef<double>,
                               Index iteration) override {
    auto g = solver_(flow, x.cols(), static_cast<std::uint64_t>(iteration), power(iteration));
    return {g.loss, std::move(g.theta), g.nfe, g.backward_nfe, {}};
  }
  std::vector<double> first_steps() const override { return solver_.first_steps(); }
  void set_first_steps(std::vector<double> steps) override { solver_.set_first_steps(std::move(steps)); }

 private:
  // From `anneal` at the stage's begin to 1 at three quarters of it.
  double power(Index iteration) const {
    const double part = static_cast<double>(iteration - plan_.first) / (0.75 * static_cast<double>(plan_.iterations));
    return std::min(1.0, anneal_ + (1 - anneal_) * part);
  }
  ReverseKlSolver<S> solver_;
  double anneal_;
  StagePlan plan_;
};

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

}  // namespace

template <class S> std::unique_ptr<Objective<S>> make_objective(const Recipe& recipe, std::size_t stage,
                                                                const std::optional<Target>& user) {
  const auto& o = recipe.objective.at(stage);
  if (o.hjb > 0 && recipe.model.field != "potential") throw InputError("objective.hjb needs model.field = potential");
  if (o.kind == "likelihood") return std::make_unique<Likelihood<S>>(recipe, o);
  if (o.kind == "flow_matching") {
    check_flow_matching(recipe, o);
    return std::make_unique<Matching<S>>(recipe, o);
  }
  check_reverse_kl(recipe, o);
  return std::make_unique<ReverseKl<S>>(recipe, o, plan_stages(recipe)[stage], user);
}

template std::unique_ptr<Objective<float>> make_objective<float>(const Recipe&, std::size_t,
                                                                 const std::optional<Target>&);
template std::unique_ptr<Objective<double>> make_objective<double>(const Recipe&, std::size_t,
                                                                   const std::optional<Target>&);

}  // namespace pathline

#include "pathline/train/trainer.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

#include <fmt/format.h>

#include "pathline/core/error.hpp"
#include "pathline/core/version.hpp"
#include "pathline/optim/clip.hpp"
#include "pathline/recipe/build_flow.hpp"
#include "pathline/train/training_data.hpp"
#include "train/held_out.hpp"
#include "train/metrics_line.hpp"
#include "train/objective.hpp"
#include "recipe/resume_check.hpp"
#include "train/run_directory.hpp"
#include "train/stage_plan.hpp"

namespace pathline {
namespace {

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

AdamOptions adam_options(const OptimizerRecipe& r) {
  return {.learning_rate = r.learning_rate, .beta1 = r.beta1, .beta2 = r.beta2, .epsilon = r.epsilon,
          .weight_decay = r.weight_decay,
          .decay = r.name == "adamw" ? AdamOptions::Decay::decoupled : AdamOptions::Decay::l2};
}

template <class S> class Run {
 public:
  Run(const Recipe& recipe, const TrainingOptions& options)
      : recipe_(recipe), options_(options), files_(options.directory), plan_(plan_stages(recipe)),
        target_(only_target(recipe, options.target)), data_(recipe, target_), held_out_(recipe_, data_, target_) {
    // Every stage is made before any runs, so that a wrong one is heard of at once.
    for (std::size_t s = 0; s < plan_.size(); ++s) objectives_.push_back(make_objective<S>(recipe, s, options.target));
    if (options.resume) resume();
    else begin();
    trained_ = Vector<double>::Ones(state_.theta.size());
    for (const auto& p : flow_->parameters())
      if (p.name.starts_with("base.") && !recipe.model.base_train) trained_.segment(p.offset, p.size()).setZero();
  }

  TrainingResult operator()() {
    started_ = now(), seconds_before_ = state_.seconds;
    TrainingResult result;
    result.entropy = data_.entropy();
    result.stopped_early = out_of_patience();
    while (state_.iteration < total() && !result.interrupted && !result.stopped_early) {
      auto progress = step(stage_of(state_.iteration));
      Evaluation evaluation;
      if (state_.iteration % recipe_.train.evaluate_every == 0 || state_.iteration == total())
        evaluation = validate(progress), progress.validation = &evaluation;
      result.interrupted = options_.stop && options_.stop();
      const bool at_checkpoint = state_.iteration % recipe_.train.checkpoint_every == 0;
      result.stopped_early = out_of_patience();
      if (at_checkpoint || state_.iteration == total() || result.interrupted || result.stopped_early) save_last();
      if (options_.progress) options_.progress(progress);
    }
    finish(result);
    return result;
  }

 private:
  void begin() {
    flow_ = std::make_unique<Flow<S>>(build_flow<S>(recipe_, data_.dim(), data_.condition_dim()));
    flow_->standardize(data_.standardizer().mean, data_.standardizer().scale);
    flow_->set_logit(recipe_.data.logit);
    flow_->condition_mean = data_.condition_standardizer().mean;
    flow_->condition_scale = data_.condition_standardizer().scale;
    state_.theta = flow_->theta(), state_.data_hash = data_.hash();
    begin_stage(0);
    files_.lock();
    files_.create_new(options_.replace);
    save_last();
  }

  void resume() {
    files_.check_existing();
    files_.lock();
    files_.remove_dead_parts();
    std::string note;
    const std::string from = files_.resumable(note);
    if (!note.empty() && options_.note) options_.note(note);
    auto model = read_model<S>(from);
    state_ = read_training_state(from);
    flow_ = std::make_unique<Flow<S>>(std::move(model.flow));
    if (flow_->dim() != data_.dim() || flow_->condition_dim() != data_.condition_dim() ||
        state_.theta.size() != flow_->theta().size())
      throw InputError(from + ": does not match the data or the model of the recipe");
    if (state_.data_hash != data_.hash())
      throw InputError(recipe_.data.source +
                       ": the rows or columns differ from those of the table with which the run started: " + from +
                       " began");
    flow_->set_theta(state_.theta);
    metrics_ = std::move(model.card.metrics);
    files_.restart_metrics(metrics_);
    adam_ = std::make_unique<Adam>(state_.theta.size(), adam_options(recipe_.optimizer), decays());
    adam_->set_state(state_.adam);
    ema_ = std::make_unique<Ema>(recipe_.optimizer.ema, state_.theta);
    if (state_.ema.average.size() > 0) ema_->set_state(state_.ema);
    last_objective().set_first_steps({state_.first_steps.begin(), state_.first_steps.end()});
  }

  Vector<double> decays() const {
    Vector<double> out = Vector<double>::Zero(state_.theta.size());
    for (const auto& p : flow_->parameters())
      if (p.decays) out.segment(p.offset, p.size()).setOnes();
    return out;
  }

  // A stage goes on from the averaged weights of the one before, with an optimizer of its own: the moments of another
  // loss say nothing of this one.
  void begin_stage(std::size_t stage) {
    if (stage > 0 && recipe_.optimizer.ema > 0) state_.theta = ema_->average();
    flow_->set_theta(state_.theta);
    adam_ = std::make_unique<Adam>(state_.theta.size(), adam_options(recipe_.optimizer), decays());
    ema_ = std::make_unique<Ema>(recipe_.optimizer.ema, state_.theta);
    state_.evaluations_since_best = 0;
  }

  Index total() const { return plan_.back().first + plan_.back().iterations; }

  std::size_t stage_of(Index iteration) const {
    std::size_t stage = 0;
    while (stage + 1 < plan_.size() && iteration >= plan_[stage + 1].first) ++stage;
    return stage;
  }

  std::size_t last_stage() const { return stage_of(std::max<Index>(state_.iteration - 1, 0)); }  // of what is done
  Objective<S>& last_objective() const { return *objectives_[last_stage()]; }

  // Whether patience ends the run. In a stage before the last it ends that stage alone: the iterations which it had
  // left are skipped, so that those of the next have the numbers, and the random streams, that the plan gives them.
  bool out_of_patience() {
    if (recipe_.train.patience == 0 || state_.evaluations_since_best < recipe_.train.patience) return false;
    const std::size_t stage = last_stage();
    if (stage == stage_of(total() - 1)) return true;
    state_.iteration = plan_[stage + 1].first, state_.evaluations_since_best = 0;
    return false;
  }

  // f(), whose error says where in the run it was and what is left to go on from.
  template <class F> auto explained(const std::string& where, F f) const {
    try {
      return f();
    } catch (const NumericalError& error) {
      throw NumericalError(
          fmt::format("{}: {}; if training diverges, lower optimizer.learning_rate or set "
                      "optimizer.clip; the last checkpoint is {}",
                      where, error.what(), files_.last()));
    }
  }

  ObjectiveGradient clipped_gradient(std::size_t stage, double& norm) const {
    const auto batch = data_.batch(state_.iteration, plan_[stage].batch);
    auto gradient = (*objectives_[stage])(*flow_, batch.x, batch.c, state_.iteration);
    gradient.theta.array() *= trained_.array();
    norm = clip_norm(gradient.theta, recipe_.optimizer.clip);
    if (!std::isfinite(gradient.loss) || !std::isfinite(norm))
      throw NumericalError("the loss or its gradient is not finite");
    return gradient;
  }

  TrainingProgress step(std::size_t stage) {
    const auto& plan = plan_[stage];
    if (stage > 0 && state_.iteration == plan.first) begin_stage(stage);
    if (seconds_each_.empty()) time_stages(stage);
    const double before = now();
    TrainingProgress out;
    const auto gradient = explained(fmt::format("iteration {}", state_.iteration + 1),
                                    [&] { return clipped_gradient(stage, out.gradient_norm); });
    out.learning_rate = learning_rate(plan.schedule, state_.iteration - plan.first);
    adam_->step(state_.theta, gradient.theta, out.learning_rate);
    flow_->set_theta(state_.theta);
    if (!gradient.statistics.empty()) flow_->chain.update(gradient.statistics);
    if (recipe_.optimizer.ema > 0) ema_->update(state_.theta);
    ++state_.iteration;
    const double took = now() - before;
    double& average = seconds_each_[stage];
    average = average == 0 ? took : 0.98 * average + 0.02 * took;
    state_.seconds = seconds_before_ + now() - started_;
    out.iteration = state_.iteration, out.iterations = total(), out.stage = stage, out.stages = plan_.size();
    out.kind = recipe_.objective[stage].kind;
    out.loss = gradient.loss, out.nfe = gradient.nfe, out.backward_nfe = gradient.backward_nfe;
    out.samples_per_second = static_cast<double>(plan.batch) / average;
    out.seconds = state_.seconds;
    for (std::size_t s = stage; s < plan_.size(); ++s)
      out.seconds_left += seconds_each_[s] * static_cast<double>(plan_[s].first + plan_[s].iterations -
                                                                 std::max(state_.iteration, plan_[s].first));
    return out;
  }

  // An iteration of a later stage may take ten times as long as one of this: one of each is tried for the time left,
  // and thrown away with the steps that it found, so the run is the same.
  void time_stages(std::size_t now_at) {
    seconds_each_.assign(plan_.size(), 0);
    if (!options_.progress) return;
    for (std::size_t s = now_at + 1; s < plan_.size(); ++s) {
      const auto batch = data_.batch(plan_[s].first, plan_[s].batch);
      const double before = now();
      try {
        (*objectives_[s])(*flow_, batch.x, batch.c, plan_[s].first);
        seconds_each_[s] = now() - before;
      } catch (const NumericalError&) {  // of weights that the stage will not begin with
      }
      objectives_[s]->set_first_steps({});
    }
  }

  // What is validated and kept: the moving average of the weights, or the weights.
  Flow<S> candidate() const {
    if (recipe_.optimizer.ema == 0) return *flow_;
    auto flow = *flow_;
    flow.set_theta(ema_->average());
    return flow;
  }

  Evaluation validate(TrainingProgress& progress) {
    const auto flow = candidate();
    const auto e = explained(fmt::format("validation at iteration {}", state_.iteration),
                             [&] { return held_out_.validation(flow); });
    // Without validation data, or where nothing is finite yet, the latest is the best there is.
    const bool none_yet = !std::isfinite(state_.best);
    progress.best = std::isfinite(e.nll) ? e.nll < state_.best : none_yet;
    if (!progress.best) ++state_.evaluations_since_best;
    metrics_.push_back(metrics_line(progress, e));
    files_.append_metrics(metrics_.back());
    if (progress.best) {
      if (std::isfinite(e.nll)) state_.best = e.nll;
      state_.best_iteration = state_.iteration, state_.evaluations_since_best = 0;
      write_model(files_.model(), Model<S>{flow, card()});
    }
    return e;
  }

  ModelCard card() const {
    return {.version = PATHLINE_VERSION,
            .precision = recipe_.model.precision,
            .recipe = to_toml(recipe_),
            .digest = "",
            .columns = data_.columns(),
            .condition_columns = data_.condition_columns(),
            .metrics = metrics_,
            .evaluation = solver_options(recipe_.solver.evaluation)};
  }

  void save_last() {
    state_.adam = adam_->state();
    if (recipe_.optimizer.ema > 0) state_.ema = ema_->state();
    const auto steps = last_objective().first_steps();
    state_.first_steps = ConstVectorMap<double>(steps.data(), static_cast<Index>(steps.size()));
    files_.save_last(Model<S>{*flow_, card()}, state_);
  }

  // The best model on the test split, with the exact trace if it can be afforded.
  void finish(TrainingResult& result) {
    result.iterations = state_.iteration, result.best_iteration = state_.best_iteration;
    result.seconds = state_.seconds;
    if (result.interrupted || state_.best_iteration == 0) return;
    const auto best = read_model<S>(files_.model()).flow;
    result.validation = held_out_.validation(best);
    result.test = held_out_.test(best);
  }

  Recipe recipe_;
  const TrainingOptions& options_;
  RunDirectory files_;
  std::vector<StagePlan> plan_;
  std::optional<Target> target_;  // of a run without data
  TrainingData data_;
  HeldOut held_out_;
  std::vector<std::unique_ptr<Objective<S>>> objectives_;
  std::unique_ptr<Flow<S>> flow_;
  TrainingState state_;
  std::unique_ptr<Adam> adam_;
  std::unique_ptr<Ema> ema_;
  Vector<double> trained_;
  std::vector<std::string> metrics_;
  double started_ = 0, seconds_before_ = 0;
  std::vector<double> seconds_each_;  // an iteration, a stage
};

}  // namespace

TrainingResult train(const Recipe& recipe, const TrainingOptions& options) {
  check_recipe(recipe);
  if (options.resume) check_resumed(recipe_of_run(options.directory), recipe);
  if (recipe.model.precision == "double") return Run<double>(recipe, options)();
  return Run<float>(recipe, options)();
}

Recipe recipe_of_run(const std::string& directory) {
  std::string unused;
  const std::string from = RunDirectory(directory).resumable(unused);
  return parse_recipe(read_card(from).recipe, from);
}

}  // namespace pathline

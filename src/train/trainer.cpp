#include "pathline/train/trainer.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <optional>

#include <fmt/format.h>

#include "core/clock.hpp"
#include "core/memory.hpp"
#include "core/option_check.hpp"
#include "pathline/core/nearest.hpp"
#include "pathline/core/parallel.hpp"
#include "pathline/core/version.hpp"
#include "pathline/optim/clip.hpp"
#include "pathline/train/evaluation_choice.hpp"
#include "train/held_out.hpp"
#include "train/least_nll.hpp"
#include "train/metrics_line.hpp"
#include "train/pending_writes.hpp"
#include "train/recovery.hpp"
#include "train/run_directory.hpp"
#include "train/stage_plan.hpp"

namespace pathline {
namespace {

void check_options(const TrainerOptions& o) {
  require(o.iterations >= 0, "iterations", o.iterations, ">= 0");
  require(o.batch >= 1, "batch", o.batch, ">= 1");
  require(o.clip >= 0 && std::isfinite(o.clip), "clip", o.clip, ">= 0");
  require(o.ema >= 0 && o.ema < 1, "ema", o.ema, "in [0, 1)");
  require(o.validation_rows >= 0, "validation_rows", o.validation_rows, ">= 0");
  require(o.evaluate_every >= 1, "evaluate_every", o.evaluate_every, ">= 1");
  require(o.checkpoint_every >= 1, "checkpoint_every", o.checkpoint_every, ">= 1");
  require(o.threads >= 0, "threads", o.threads, ">= 0");
  require(o.patience >= 0, "patience", o.patience, ">= 0");
  require(o.validation_draws >= 1, "validation_draws", o.validation_draws, ">= 1");
  require(o.test_draws >= 1, "test_draws", o.test_draws, ">= 1");
  // The trainer sets these options itself: values of the caller would have no effect, and are refused.
  const EvaluationOptions evaluation;
  require(o.evaluation.seed == evaluation.seed, "evaluation.seed", o.evaluation.seed, "left as it is; set seed");
  require(o.evaluation.threads == evaluation.threads, "evaluation.threads", o.evaluation.threads,
          "left as it is; set threads");
  require(o.evaluation.first == 0, "evaluation.first", o.evaluation.first, "0");
  require(o.evaluation.density, "evaluation.density", false, "true");
  require(o.schedule.learning_rate == Schedule{}.learning_rate, "schedule.learning_rate", o.schedule.learning_rate,
          "left as it is; set adam.learning_rate or Stage::learning_rate");
  require(o.schedule.iterations == 0, "schedule.iterations", o.schedule.iterations, "0; a stage gives its own number");
  o.evaluation.solver.check();
  o.evaluation.trace.check();
  require(o.seconds >= 0 && std::isfinite(o.seconds), "seconds", o.seconds, ">= 0");
  require(o.max_error >= 0 && std::isfinite(o.max_error), "max_error", o.max_error, ">= 0");
  require(o.seconds_spent >= 0, "seconds_spent", o.seconds_spent, ">= 0");
  require(o.cooldown_share > 0 && o.cooldown_share < 1, "cooldown_share", o.cooldown_share, "in (0, 1)");
  if (o.seconds > 0 && o.schedule.kind != Schedule::Kind::trapezoid)
    throw InputError("seconds: a run with a limit needs a trapezoid as its schedule");
  if (o.directory.empty() && o.resume) throw InputError("resume: needs the directory of the run");
  if (o.directory.empty() && o.replace) throw InputError("replace: needs a directory");
  if (o.resume && o.replace) throw InputError("replace: a resumed run continues in its directory and replaces nothing");
}

template <class S> std::vector<StageRequest> requests(const std::vector<Stage<S>>& stages) {
  std::vector<StageRequest> out;
  for (const auto& stage : stages) {
    if (!stage.objective) throw InputError(fmt::format("stage {}: has no objective", out.size() + 1));
    require(stage.iterations >= 0, fmt::format("stage {}: iterations", out.size() + 1), stage.iterations, ">= 0");
    require(stage.batch >= 0, fmt::format("stage {}: batch", out.size() + 1), stage.batch, ">= 0");
    require(stage.learning_rate >= 0 && std::isfinite(stage.learning_rate),
            fmt::format("stage {}: learning_rate", out.size() + 1), stage.learning_rate, ">= 0");
    out.push_back({stage.objective->kind(), stage.iterations, stage.batch, stage.learning_rate});
  }
  if (out.empty()) throw InputError("stages: there is none; expected one at least");
  return out;
}

// The target that takes the place of held-out data, or null if there are data or no target is known.
template <class S> const Target* target_of(const TrainingData& data, const std::vector<Stage<S>>& stages) {
  if (!data.empty()) return nullptr;
  for (const auto& stage : stages)
    if (stage.objective->needs_data())
      throw InputError("stage " + std::to_string(&stage - stages.data() + 1) + " (" + stage.objective->kind() +
                       "): needs data");
  return stages.back().objective->target();
}

}  // namespace

template <class S> class Trainer<S>::Impl {
 public:
  Impl(const Flow<S>& flow, TrainingData data, std::vector<Stage<S>> stages, TrainerOptions options,
       TrainingCallbacks<S> callbacks)
      : options_((check_options(options), std::move(options))),
        callbacks_(std::move(callbacks)),
        stages_(std::move(stages)),
        plan_(plan_stages(requests(stages_), options_)),
        data_(with_validation_rows(std::move(data), options_)),
        held_out_(options_, data_, target_of(data_, stages_)),
        files_(options_.directory),
        pending_(callbacks_.note),
        flow_(flow),
        best_(flow_) {
    if (flow_.members()) throw InputError("flow: is an ensemble, whose members are trained one by one");
    if (flow_.dim() != data_.dim() || flow_.condition_dim() != data_.condition_dim())
      throw InputError(fmt::format("data: {} columns and {} conditions; the flow has {} and {}", data_.dim(),
                                   data_.condition_dim(), flow_.dim(), flow_.condition_dim()));
    data_.set_units(flow_);
    if (data_.condition_dim() > 0) condition_range_ = data_.condition_range();
    // Every stage is checked before any runs, so that errors are reported up front.
    for (std::size_t s = 0; s < plan_.size(); ++s) check_stage(s);
    freeze();
    if (options_.resume)
      resume();
    else
      begin();
  }

  TrainingResult run() {
    started_ = now(), seconds_before_ = state_.seconds;
    TrainingResult result;
    result.entropy = data_.entropy();
    if (options_.validate_first && state_.iteration == 0 && !has_best()) validate_start(result);
    result.stopped_early = out_of_patience();
    while (state_.iteration < total() && !result.interrupted && !result.stopped_early) {
      if (options_.seconds > 0) keep_time();
      auto progress = step(stage_of(state_.iteration));
      Evaluation evaluation;
      bool stop = false;
      if (state_.iteration % options_.evaluate_every == 0 || state_.iteration == total()) {
        const auto candidate = averaged();
        if (validate(candidate, progress, evaluation)) {
          progress.validation = &evaluation;
          stop = stops(callbacks_.validation, progress, candidate);
        }
        pending_.retry();
      }
      result.interrupted = stops(callbacks_.iteration, progress, flow_) || stop;
      const bool at_checkpoint = state_.iteration % options_.checkpoint_every == 0;
      result.stopped_early = out_of_patience();
      if (at_checkpoint || state_.iteration == total() || result.interrupted || result.stopped_early) {
        pending_.retry();
        save_last();
      }
    }
    pending_.finish();
    finish(result);
    return result;
  }

  const Flow<S>& flow() const { return flow_; }
  const Flow<S>& best() const { return best_; }

 private:
  using Callback = typename TrainingCallbacks<S>::Callback;
  static bool stops(const Callback& callback, const TrainingProgress& progress, const Flow<S>& flow) {
    return callback && callback(progress, flow) == TrainingAction::stop;
  }

  // The best may be the flow as it was before the first iteration.
  bool has_best() const { return state_.best_iteration > 0 || std::isfinite(state_.best); }

  bool writes() const { return !options_.directory.empty(); }

  double now() const { return options_.cpu_time ? cpu_seconds_now() : seconds_now(); }

  // Once the remaining time is no more than the share of the cooldown, the run ends after the iterations that fit into it.
  void keep_time() {
    auto& plan = plan_.back();
    const Index done = state_.iteration - plan.first;
    if (length_known_ || done < 1) return;
    const double each = seconds_each_.back() + validation_seconds_ / static_cast<double>(options_.evaluate_every);
    // The last iteration validates, and so does finish(), which also tests.
    const double left = options_.seconds - options_.seconds_spent - (seconds_before_ + now() - started_) -
                        (2 + test_share()) * validation_seconds_;
    const double cooldown = options_.cooldown_share * (options_.seconds - options_.seconds_spent);
    if (left > cooldown + each && state_.iteration + 1 < total()) return;
    const Index rest = std::max<Index>(1, static_cast<Index>(left / std::max(each, 1e-9)));
    plan.iterations = std::min(plan.iterations, done + rest);
    plan.schedule.iterations = plan.iterations;
    plan.schedule.cooldown = plan.iterations - done;
    length_known_ = true;
    if (options_.recipe_of) options_.recipe = options_.recipe_of({total(), plan.schedule.cooldown});
  }

  // The duration of the final test as a multiple of that of a validation.
  double test_share() const {
    const double validation = static_cast<double>(data_.validation().x.cols());
    return validation > 0 ? static_cast<double>(data_.test().x.cols()) / validation : 1;
  }

  void check_stage(std::size_t s) const {
    auto& objective = *stages_[s].objective;
    try {
      objective.check(flow_);
    } catch (const InputError& error) {
      throw InputError(fmt::format("stage {} ({}): {}", s + 1, objective.kind(), error.what()));
    }
    objective.set_threads(options_.threads);
    objective.set_iterations(plan_[s].first, plan_[s].iterations);
  }

  void freeze() {
    const auto parameters = flow_.parameters();
    trained_ = Vector<double>::Ones(flow_.theta().size());
    for (const auto& prefix : options_.frozen) {
      bool found = prefix == "base.";  // a normal base has no parameters
      for (const auto& p : parameters)
        if (p.name.starts_with(prefix)) trained_.segment(p.offset, p.size()).setZero(), found = true;
      std::vector<std::string> names;
      for (const auto& p : parameters) names.push_back(p.name);
      if (!found)
        throw InputError(fmt::format("frozen: no parameter's name starts with '{}'{}", prefix,
                                     names.empty() ? "" : "; did you mean '" + nearest(prefix, names) + "'?"));
    }
  }

  void begin() {
    state_.theta = flow_.theta(), state_.data_hash = data_.hash();
    begin_stage(0);
    best_ = flow_;
    if (!writes()) return;
    files_.lock();
    files_.create_new(options_.replace);
    write_last();
  }

  void resume() {
    files_.check_existing();
    files_.lock();
    files_.remove_dead_parts();
    std::string note;
    const std::string from = files_.resumable(note);
    if (!note.empty() && callbacks_.note) callbacks_.note(note);
    auto card = read_parameters_into(from, flow_);
    if (card.format_version == 1 && callbacks_.note)
      callbacks_.note(from +
                      ": is of format 1, whose digest does not cover the solver and the base; this run rewrites it");
    state_ = read_training_state(from);
    if (state_.theta.size() != flow_.theta().size())
      throw InputError(from + ": its training state does not fit the flow: it has another number of parameters");
    if (state_.data_hash != data_.hash())
      throw InputError(data_.name() + ": the rows or columns differ from those with which the run of " + from +
                       " began");
    flow_.set_theta(state_.theta);
    best_ = flow_;
    if (has_best() && std::filesystem::exists(files_.model())) read_best();
    metrics_ = std::move(card.metrics);
    files_.restart_metrics(metrics_);
    adam_ = std::make_unique<Adam>(state_.theta.size(), options_.adam, decays());
    adam_->set_state(state_.adam);
    ema_ = std::make_unique<Ema>(options_.ema, state_.theta);
    if (state_.ema.average.size() > 0) ema_->set_state(state_.ema);
    last_objective().set_first_steps({state_.first_steps.begin(), state_.first_steps.end()});
    good_ = state_.good ? *state_.good : snapshot();
  }

  void read_best() {
    read_parameters_into(files_.model(), best_);
    knows_best_ = true;
  }

  Vector<double> decays() const {
    Vector<double> out = Vector<double>::Zero(state_.theta.size());
    for (const auto& p : flow_.parameters())
      if (p.decays) out.segment(p.offset, p.size()) = trained_.segment(p.offset, p.size());
    return out;
  }

  // A stage starts from the averaged weights of the previous stage and with a new optimizer, because the moments of
  // another loss do not apply to it.
  void begin_stage(std::size_t stage) {
    if (stage > 0 && options_.ema > 0) state_.theta = ema_->average();
    flow_.set_theta(state_.theta);
    adam_ = std::make_unique<Adam>(state_.theta.size(), options_.adam, decays());
    ema_ = std::make_unique<Ema>(options_.ema, state_.theta);
    state_.evaluations_since_best = 0;
    recovery_.new_stage();
    good_ = snapshot(), good_.first_steps.resize(0);  // they were those of another objective
  }

  Index total() const { return plan_.back().first + plan_.back().iterations; }

  std::size_t stage_of(Index iteration) const {
    std::size_t stage = 0;
    while (stage + 1 < plan_.size() && iteration >= plan_[stage + 1].first) ++stage;
    return stage;
  }

  // The stage of the last iteration that is done.
  std::size_t last_stage() const { return stage_of(std::max<Index>(state_.iteration - 1, 0)); }
  Objective<S>& last_objective() const { return *stages_[last_stage()].objective; }

  // Whether patience ends the run. Before the last stage it ends the current stage only: the remaining iterations of it
  // are skipped, so that those of the next stage keep the numbers and random streams of the plan.
  bool out_of_patience() {
    if (options_.patience == 0 || state_.evaluations_since_best < options_.patience) return false;
    const std::size_t stage = last_stage();
    if (stage == stage_of(total() - 1)) return true;
    state_.iteration = plan_[stage + 1].first, state_.evaluations_since_best = 0;
    return false;
  }

  // The mean and the variance of each batch norm, one after the other.
  Vector<double> statistics() const {
    Vector<double> out(2 * flow_.dim() * std::ssize(flow_.norms()));
    Index at = 0;
    for (const auto* norm : flow_.norms())
      for (const auto* part : {&norm->mean, &norm->variance}) out.segment(at, part->size()) = *part, at += part->size();
    return out;
  }

  // The present state of the optimizer, to which the run may go back.
  GoodState snapshot() const {
    const auto steps = last_objective().first_steps();
    return {.iteration = state_.iteration,
            .theta = state_.theta,
            .adam = adam_->state(),
            .ema = options_.ema > 0 ? ema_->state() : EmaState{},
            .first_steps = ConstVectorMap<double>(steps.data(), std::ssize(steps)),
            .statistics = statistics()};
  }

  void go_back() {
    state_.theta = good_.theta;
    flow_.set_theta(good_.theta);
    Index at = 0;
    for (auto* norm : flow_.norms())
      for (auto* part : {&norm->mean, &norm->variance})
        *part = good_.statistics.segment(at, part->size()), at += part->size();
    adam_->set_state(good_.adam);
    if (options_.ema > 0) ema_->set_state(good_.ema);
    last_objective().set_first_steps({good_.first_steps.begin(), good_.first_steps.end()});
  }

  // Carries out the action after a failed iteration or validation, and reports it.
  void recover(Recovery::Action action, const std::string& where, const std::string& reason) {
    if (first_wrong_.empty()) first_wrong_ = where + ": " + reason;
    const auto& r = state_.recovery;
    if (action == Recovery::Action::stop)
      throw NumericalError(
          fmt::format("{}; {} iterations were skipped and the run went back {} times, at last with {:.2g} of its "
                      "learning rate;{} if "
                      "training diverges, lower the learning rate or clip the gradient",
                      first_wrong_, r.all_skipped, r.all_rollbacks, r.rate,
                      writes() ? " the last checkpoint is " + files_.last() + ";" : ""));
    const bool back = action == Recovery::Action::roll_back;
    if (back) go_back();
    add_metrics(event_line(state_.iteration, last_stage(), back ? "rolled back" : "skipped", reason, r.rate));
    if (!callbacks_.note) return;
    callbacks_.note(back ? fmt::format("{}: {}; going back to iteration {} with {:.2g} of the learning rate", where,
                                       reason, good_.iteration, r.rate)
                         : fmt::format("{}: {}; the iteration is skipped", where, reason));
  }

  ObjectiveGradient clipped_gradient(std::size_t stage, double& norm) const {
    const auto batch = data_.batch(state_.iteration, plan_[stage].batch);
    const std::string what = fmt::format(
        "a batch of {} samples of {} columns on {} threads; use a smaller batch, fewer "
        "threads, Hutchinson's trace or the backsolve adjoint",
        batch.x.cols(), flow_.dim(), thread_count(options_.threads));
    auto gradient = with_memory(what, [&] { return (*stages_[stage].objective)(flow_, batch, state_.iteration); });
    if (gradient.theta.size() != trained_.size())
      throw InputError(fmt::format("objective {}: its gradient has {} numbers; the flow has {} parameters",
                                   stages_[stage].objective->kind(), gradient.theta.size(), trained_.size()));
    gradient.theta.array() *= trained_.array();
    norm = clip_norm(gradient.theta, options_.clip);
    return gradient;
  }

  // The gradient, or nullopt if it is not usable; `wrong` then says why.
  std::optional<ObjectiveGradient> checked_gradient(std::size_t stage, double& norm, std::string& wrong) const {
    try {
      auto gradient = clipped_gradient(stage, norm);
      wrong = recovery_.wrong(gradient.loss, norm);
      if (wrong.empty()) return gradient;
    } catch (const NumericalError& error) {
      wrong = error.what();
    }
    return std::nullopt;
  }

  void update(const ObjectiveGradient& gradient, const TrainingProgress& progress) {
    adam_->step(state_.theta, gradient.theta, progress.learning_rate);
    flow_.set_theta(state_.theta);
    if (!gradient.statistics.empty()) flow_.chain.update(gradient.statistics);
    if (options_.ema > 0) ema_->update(state_.theta);
    recovery_.iteration_went_well(progress.gradient_norm);
  }

  TrainingProgress step(std::size_t stage) {
    const auto& plan = plan_[stage];
    if (stage > 0 && state_.iteration == plan.first) begin_stage(stage);
    if (seconds_each_.empty()) time_stages(stage);
    const double before = now();
    TrainingProgress out;
    std::string wrong;
    const auto gradient = checked_gradient(stage, out.gradient_norm, wrong);
    out.learning_rate = learning_rate(plan.schedule, state_.iteration - plan.first) * state_.recovery.rate;
    if (gradient) update(*gradient, out);
    ++state_.iteration;
    if (!gradient)
      recover(recovery_.after_iteration(state_.iteration), fmt::format("iteration {}", state_.iteration), wrong);
    const double took = now() - before;
    double& average = seconds_each_[stage];
    average = average == 0 ? took : 0.98 * average + 0.02 * took;
    state_.seconds = seconds_before_ + now() - started_;
    out.iteration = state_.iteration, out.iterations = total(), out.stage = stage, out.stages = plan_.size();
    out.kind = stages_[stage].objective->kind();
    out.loss = gradient ? gradient->loss : std::numeric_limits<double>::quiet_NaN();
    if (gradient) out.nfe = gradient->nfe, out.backward_nfe = gradient->backward_nfe;
    out.samples_per_second = static_cast<double>(plan.batch) / average;
    out.seconds = state_.seconds;
    for (std::size_t s = stage; s < plan_.size(); ++s)
      out.seconds_left += seconds_each_[s] * static_cast<double>(plan_[s].first + plan_[s].iterations -
                                                                 std::max(state_.iteration, plan_[s].first));
    if (options_.seconds > 0 && !length_known_) {
      const double spent = options_.seconds_spent + out.seconds;
      out.seconds_left = std::max(0.0, options_.seconds - spent);
      out.iterations = static_cast<Index>(static_cast<double>(out.iteration) * options_.seconds / spent);
    }
    return out;
  }

  // An iteration of a later stage may take ten times as long as one of this stage. To estimate the time left, one
  // iteration of each stage is tried. Its results and step sizes are discarded, so that the run does not change.
  void time_stages(std::size_t now_at) {
    seconds_each_.assign(plan_.size(), 0);
    if (!options_.estimate_time) return;
    for (std::size_t s = now_at + 1; s < plan_.size(); ++s) {
      const auto batch = data_.batch(plan_[s].first, plan_[s].batch);
      const double before = now();
      try {
        (*stages_[s].objective)(flow_, batch, plan_[s].first);
        seconds_each_[s] = now() - before;
      } catch (const NumericalError&) {  // the stage will begin with other weights, which may succeed
      }
      stages_[s].objective->set_first_steps({});
    }
  }

  // The flow that is validated and saved: the moving average of the weights, or the weights themselves.
  Flow<S> averaged() const {
    auto flow = flow_;
    if (options_.ema > 0) flow.set_theta(ema_->average());
    return flow;
  }

  // False if the evaluation failed.
  bool validate(const Flow<S>& flow, TrainingProgress& progress, Evaluation& e) {
    std::string wrong;
    const double before = now();
    try {
      e = held_out_.validation(flow);
      wrong = impossible(e, progress);
    } catch (const NumericalError& error) {
      wrong = error.what();
    }
    validation_seconds_ = now() - before;
    if (!wrong.empty()) {
      recover(recovery_.after_validation(), fmt::format("validation at iteration {}", state_.iteration), wrong);
      return false;
    }
    keep(flow, progress, e);
    if ((std::isfinite(e.nll) || e.points == 0) && recovery_.validation_went_well())
      good_ = snapshot(), first_wrong_.clear();
    return true;
  }

  // Why no density can have this evaluation, such as an NLL below the least possible; empty if it is possible.
  std::string impossible(const Evaluation& e, const TrainingProgress& progress) const {
    if (const auto bound = least_nll(data_, e); bound && e.nll < *bound)
      return fmt::format(
          "the NLL of {:.4g} nats is below {:.4g}, the least that the resolution of the data allows: the density "
          "concentrates on "
          "repeated values (TrainingDataOptions.discrete, TrainingDataOptions.dequantize)",
          e.nll, *bound);
    // If the solve is too coarse, the loss falls without bound. The same batch with the solver of the evaluation shows it.
    const double margin = 5 + 0.5 * static_cast<double>(flow_.dim());
    if (progress.kind != "likelihood" || !(progress.loss < e.nll - margin)) return "";
    const auto batch = data_.batch(state_.iteration - 1, plan_[progress.stage].batch);
    auto options = options_.evaluation;
    options.threads = options_.threads;
    const double nll = -flow_.log_prob(batch.x, batch.c, options).log_prob.mean();
    if (!(progress.loss < nll - margin)) return "";
    return fmt::format(
        "the loss of {:.4g} nats is not that of the density, {:.4g} nats on the same batch: the solve of the training "
        "is "
        "too coarse; use adaptive steps (SolverOptions.steps = 0), more steps or a smaller SolverOptions.rtol",
        progress.loss, nll);
  }

  void add_metrics(const std::string& line) {
    metrics_.push_back(line);
    if (writes())
      pending_.write(
          files_.metrics(), [&] { files_.append_metrics(line); }, [this] { files_.restart_metrics(metrics_); });
  }

  void keep(const Flow<S>& flow, TrainingProgress& progress, const Evaluation& e) {
    // Without validation data, or before the first finite validation, the latest model counts as the best.
    const bool none_yet = !std::isfinite(state_.best);
    progress.best = std::isfinite(e.nll) ? e.nll < state_.best : none_yet;
    if (!progress.best) ++state_.evaluations_since_best;
    add_metrics(metrics_line(progress, e));
    if (progress.best) {
      if (std::isfinite(e.nll)) state_.best = e.nll;
      state_.best_iteration = state_.iteration, state_.evaluations_since_best = 0;
      best_ = flow, knows_best_ = true, best_evaluation_ = e;
      if (writes()) pending_.write(files_.model(), [this] { write_model(files_.model(), Model<S>{best_, card()}); });
    }
  }

  ModelCard card() const {
    return {.version = PATHLINE_VERSION,
            .precision = std::is_same_v<S, float> ? "float" : "double",
            .recipe = options_.recipe,
            .digest = "",
            .columns = data_.columns(),
            .condition_columns = data_.condition_columns(),
            .metrics = metrics_,
            .evaluation = options_.evaluation.solver,
            .condition_range = condition_range_,
            .discrete = data_.discrete_columns(),
            .trained = trained_figure(metrics_)};
  }

  void save_last() {
    if (writes()) pending_.write(files_.last(), [this] { write_last(); });
  }

  void write_last() {
    state_.adam = adam_->state();
    if (options_.ema > 0) state_.ema = ema_->state();
    const auto steps = last_objective().first_steps();
    state_.first_steps = ConstVectorMap<double>(steps.data(), static_cast<Index>(steps.size()));
    state_.good.reset();
    if (good_.iteration != state_.iteration) state_.good = good_;
    files_.save_last(Model<S>{flow_, card()}, state_);
  }

  void validate_start(TrainingResult& result) {
    TrainingProgress progress;
    progress.iterations = total(), progress.stages = plan_.size(), progress.kind = stages_[0].objective->kind();
    progress.loss = std::numeric_limits<double>::quiet_NaN();
    Evaluation evaluation;
    if (validate(flow_, progress, evaluation)) {
      progress.validation = &evaluation;
      result.interrupted = stops(callbacks_.validation, progress, flow_);
    }
    result.interrupted = stops(callbacks_.iteration, progress, flow_) || result.interrupted;
    save_last();
  }

  // Evaluates the best model on the test split, with the exact trace if it is affordable.
  void finish(TrainingResult& result) {
    result.iterations = state_.iteration, result.best_iteration = state_.best_iteration;
    result.seconds = state_.seconds;
    if (result.interrupted || !has_best()) return;
    if (!knows_best_) read_best();
    const bool chosen = choose_solver();
    result.validation = best_evaluation_ && !chosen ? *best_evaluation_ : held_out_.validation(best_);
    result.test = held_out_.test(best_);
    result.has_best = true;
    // The best model may be older than the length of the run, which its recipe states.
    if (writes() && (length_known_ || chosen)) write_model(files_.model(), Model<S>{best_, card()});
  }

  // Chooses the evaluation solver of the best model by its error. False if no choice is wanted or possible.
  bool choose_solver() {
    const auto& points = data_.validation();
    if (options_.max_error == 0 || points.x.cols() == 0) return false;
    const auto choice = choose_evaluation(best_, points.x, points.c, options_.max_error, options_.threads);
    options_.evaluation.solver = choice.solver;
    held_out_.set_solver(choice.solver);
    return true;
  }

  TrainerOptions options_;
  TrainingCallbacks<S> callbacks_;
  std::vector<Stage<S>> stages_;
  std::vector<StagePlan> plan_;
  TrainingData data_;
  HeldOut held_out_;
  RunDirectory files_;
  PendingWrites pending_;
  Flow<S> flow_, best_;
  bool knows_best_ = false;  // false: the best of a resumed run is in model.h5
  std::optional<Evaluation> best_evaluation_;
  TrainingState state_;
  Recovery recovery_{state_.recovery};
  GoodState good_;
  std::string first_wrong_;  // the first failure since the last good state
  std::unique_ptr<Adam> adam_;
  std::unique_ptr<Ema> ema_;
  Vector<double> trained_;          // 1 for a parameter that is trained, 0 for one that is not
  Matrix<double> condition_range_;  // dc x 2, for the card
  std::vector<std::string> metrics_;
  double started_ = 0, seconds_before_ = 0;
  std::vector<double> seconds_each_;  // the time of an iteration of each stage
  double validation_seconds_ = 0;     // the last one
  bool length_known_ = false;
};

template <class S> Trainer<S>::Trainer(const Flow<S>& flow, TrainingData data, std::vector<Stage<S>> stages,
                                       TrainerOptions options, TrainingCallbacks<S> callbacks)
    : impl_(
          std::make_unique<Impl>(flow, std::move(data), std::move(stages), std::move(options), std::move(callbacks))) {}
template <class S> Trainer<S>::Trainer(const Flow<S>& flow, TrainingData data, std::shared_ptr<Objective<S>> objective,
                                       TrainerOptions options, TrainingCallbacks<S> callbacks)
    : Trainer(flow, std::move(data), std::vector<Stage<S>>{{std::move(objective)}}, std::move(options),
              std::move(callbacks)) {}
template <class S> Trainer<S>::~Trainer() = default;
template <class S> Trainer<S>::Trainer(Trainer&&) noexcept = default;
template <class S> Trainer<S>& Trainer<S>::operator=(Trainer&&) noexcept = default;

template <class S> TrainingResult Trainer<S>::run() { return impl_->run(); }
template <class S> const Flow<S>& Trainer<S>::flow() const { return impl_->flow(); }
template <class S> const Flow<S>& Trainer<S>::best() const { return impl_->best(); }

template class Trainer<float>;
template class Trainer<double>;

}  // namespace pathline

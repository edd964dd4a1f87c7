#include "pathline/train/trainer.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include <fmt/format.h>

#include "core/clock.hpp"
#include "core/memory.hpp"
#include "pathline/core/error.hpp"
#include "pathline/core/parallel.hpp"
#include "pathline/train/evaluation_choice.hpp"
#include "train/flow_optimizer.hpp"
#include "train/held_out.hpp"
#include "train/impossible_evaluation.hpp"
#include "train/metrics_line.hpp"
#include "train/recovery.hpp"
#include "train/run_clock.hpp"
#include "train/run_record.hpp"
#include "train/stage_plan.hpp"
#include "train/trainer_options.hpp"

namespace pathline {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// The flow in the units of the data. InputError if they do not fit.
template <class S> Flow<S> in_units_of(const TrainingData& data, Flow<S> flow) {
  if (flow.members()) throw InputError("flow: is an ensemble, whose members are trained one by one");
  if (flow.dim() != data.dim() || flow.condition_dim() != data.condition_dim())
    throw InputError(fmt::format("data: {} columns and {} conditions; the flow has {} and {}", data.dim(),
                                 data.condition_dim(), flow.dim(), flow.condition_dim()));
  data.set_units(flow);
  return flow;
}

}  // namespace

template <class S> class Trainer<S>::Impl {
 public:
  Impl(const Flow<S>& flow, TrainingData data, std::vector<Stage<S>> stages, TrainerOptions options,
       TrainingCallbacks<S> callbacks)
      : options_(checked(std::move(options))),
        callbacks_(std::move(callbacks)),
        stages_(std::move(stages)),
        plan_(plan_stages(stage_requests(stages_), options_)),
        data_(with_validation_rows(std::move(data), options_)),
        held_out_(options_, data_, target_instead_of(data_, stages_)),
        flow_(in_units_of(data_, flow)),
        optimizer_(flow_, options_),
        record_(options_, data_, flow_, callbacks_.note),
        clock_(options_, plan_.size(), options_.cpu_time ? cpu_seconds_now : seconds_now) {
    // Every stage is checked before any runs, so that errors are reported up front.
    for (std::size_t s = 0; s < plan_.size(); ++s) prepare_stage(s);
    if (options_.resume)
      resume();
    else
      begin();
  }

  TrainingResult run() {
    clock_.start(state_.seconds);
    TrainingResult result;
    result.entropy = data_.entropy();
    if (options_.validate_first && state_.iteration == 0 && !has_best(state_)) validate_start(result);
    result.stopped_early = out_of_patience();
    while (state_.iteration < total() && !result.interrupted && !result.stopped_early) {
      if (options_.seconds > 0) keep_time();
      auto progress = step(stage_of(plan_, state_.iteration));
      Evaluation evaluation;
      bool stop = false;
      if (state_.iteration % options_.evaluate_every == 0 || state_.iteration == total()) {
        const auto candidate = optimizer_.averaged();
        if (validate(candidate, progress, evaluation)) {
          progress.validation = &evaluation;
          stop = stops(callbacks_.validation, progress, candidate);
        }
        record_.retry();
      }
      result.interrupted = stops(callbacks_.iteration, progress, flow_) || stop;
      const bool at_checkpoint = state_.iteration % options_.checkpoint_every == 0;
      result.stopped_early = out_of_patience();
      if (at_checkpoint || state_.iteration == total() || result.interrupted || result.stopped_early) {
        record_.retry();
        save_last();
      }
    }
    record_.finish();
    finish(result);
    return result;
  }

  const Flow<S>& flow() const { return flow_; }
  const Flow<S>& best() const { return record_.best(); }

 private:
  using Callback = typename TrainingCallbacks<S>::Callback;
  static bool stops(const Callback& callback, const TrainingProgress& progress, const Flow<S>& flow) {
    return callback && callback(progress, flow) == TrainingAction::stop;
  }

  // The samples of a batch, and the gradient of each of its tiles of 64, are held in memory.
  void check_memory(std::size_t s) const {
    const auto numbers =
        static_cast<double>(3 * (flow_.dim() + flow_.condition_dim())) + static_cast<double>(optimizer_.size()) / 64;
    require_memory(stages_[s].batch > 0 ? fmt::format("stage {}: batch", s + 1) : "batch", plan_[s].batch,
                   sizeof(double) * numbers * static_cast<double>(plan_[s].batch));
  }

  void prepare_stage(std::size_t s) const {
    check_memory(s);
    auto& objective = *stages_[s].objective;
    try {
      objective.check(flow_);
    } catch (const InputError& error) {
      throw InputError(fmt::format("stage {} ({}): {}", s + 1, objective.kind(), error.what()));
    }
    objective.set_threads(options_.threads);
    objective.set_iterations(plan_[s].first, plan_[s].iterations);
  }

  void begin() {
    state_.data_hash = data_.hash();
    begin_stage(0);
    record_.create(flow_, state_to_save());
  }

  void resume() {
    state_ = record_.resume(flow_);
    optimizer_.restore(state_, last_objective());
    good_ = state_.good ? *state_.good : optimizer_.snapshot(state_.iteration, last_objective());
  }

  void begin_stage(std::size_t stage) {
    if (stage > 0) optimizer_.begin_stage();
    state_.evaluations_since_best = 0;
    recovery_.new_stage();
    good_ = optimizer_.snapshot(state_.iteration, last_objective());
    good_.first_steps.resize(0);  // they were those of another objective
  }

  Index total() const { return all_iterations(plan_); }

  // The stage of the last iteration that is done.
  std::size_t last_stage() const { return stage_of(plan_, std::max<Index>(state_.iteration - 1, 0)); }
  Objective<S>& last_objective() const { return *stages_[last_stage()].objective; }

  // Whether patience ends the run. Before the last stage it ends the current stage only: the remaining iterations of it
  // are skipped, so that those of the next stage keep the numbers and random streams of the plan.
  bool out_of_patience() {
    if (options_.patience == 0 || state_.evaluations_since_best < options_.patience) return false;
    const std::size_t stage = last_stage();
    if (stage == stage_of(plan_, total() - 1)) return true;
    state_.iteration = plan_[stage + 1].first, state_.evaluations_since_best = 0;
    return false;
  }

  // Once the remaining time is no more than the share of the cooldown, the run ends after the iterations that fit into
  // it.
  void keep_time() {
    auto& plan = plan_.back();
    const Index done = state_.iteration - plan.first;
    if (length_known_ || done < 1) return;
    const auto rest = clock_.cooldown(state_.iteration + 1 >= total(), held_out_.test_share());
    if (!rest) return;
    plan.iterations = std::min(plan.iterations, done + *rest);
    plan.schedule.iterations = plan.iterations;
    plan.schedule.cooldown = plan.iterations - done;
    length_known_ = true;
    if (options_.recipe_of) options_.recipe = options_.recipe_of({total(), plan.schedule.cooldown});
  }

  // An iteration of a later stage may take ten times as long as one of this stage. To estimate the time left, one
  // iteration of each stage is tried. Its results and step sizes are discarded, so that the run does not change.
  void time_later_stages(std::size_t stage) {
    for (std::size_t s = stage + 1; s < plan_.size(); ++s) {
      const auto batch = data_.batch(plan_[s].first, plan_[s].batch);
      const double before = clock_.now();
      try {
        (*stages_[s].objective)(flow_, batch, plan_[s].first);
        clock_.estimate(s, clock_.now() - before);
      } catch (const NumericalError&) {  // the stage will begin with other weights, which may succeed
      }
      stages_[s].objective->set_first_steps({});
    }
  }

  TrainingProgress step(std::size_t stage) {
    const auto& plan = plan_[stage];
    if (stage > 0 && state_.iteration == plan.first) begin_stage(stage);
    if (options_.estimate_time && clock_.has_seen_none()) time_later_stages(stage);
    const double before = clock_.now();
    TrainingProgress out;
    out.learning_rate = learning_rate(plan.schedule, state_.iteration - plan.first) * state_.recovery.rate;
    std::string wrong;
    const auto gradient = checked_gradient(stage, out.gradient_norm, wrong);
    if (gradient) {
      optimizer_.update(*gradient, out.learning_rate);
      recovery_.iteration_went_well(out.gradient_norm);
    }
    ++state_.iteration;
    if (!gradient)
      recover(recovery_.after_iteration(state_.iteration), fmt::format("iteration {}", state_.iteration), wrong);
    clock_.iteration_took(stage, clock_.now() - before);
    state_.seconds = clock_.seconds();
    out.loss = gradient ? gradient->loss : kNan;
    if (gradient) out.nfe = gradient->nfe, out.backward_nfe = gradient->backward_nfe;
    describe(stage, out);
    return out;
  }

  // Writes how far the run is, and how fast.
  void describe(std::size_t stage, TrainingProgress& out) const {
    out.iteration = state_.iteration, out.iterations = total(), out.stage = stage, out.stages = plan_.size();
    out.kind = stages_[stage].objective->kind();
    out.samples_per_second = static_cast<double>(plan_[stage].batch) / clock_.each(stage);
    out.seconds = state_.seconds;
    out.seconds_left = clock_.seconds_left(plan_, stage, state_.iteration);
    if (options_.seconds == 0 || length_known_) return;
    const double spent = options_.seconds_spent + out.seconds;
    out.seconds_left = std::max(0.0, options_.seconds - spent);
    out.iterations = static_cast<Index>(static_cast<double>(out.iteration) * options_.seconds / spent);
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

  ObjectiveGradient clipped_gradient(std::size_t stage, double& norm) const {
    const auto batch = data_.batch(state_.iteration, plan_[stage].batch);
    const std::string what = fmt::format(
        "a batch of {} samples of {} columns on {} threads; use a smaller batch, fewer "
        "threads, Hutchinson's trace or the backsolve adjoint",
        batch.x.cols(), flow_.dim(), thread_count(options_.threads));
    auto gradient = with_memory(what, [&] { return (*stages_[stage].objective)(flow_, batch, state_.iteration); });
    if (gradient.theta.size() != optimizer_.size())
      throw InputError(fmt::format("objective {}: its gradient has {} numbers; the flow has {} parameters",
                                   stages_[stage].objective->kind(), gradient.theta.size(), optimizer_.size()));
    norm = optimizer_.clip(gradient.theta);
    return gradient;
  }

  // Carries out the action after a failed iteration or validation, and reports it.
  void recover(Recovery::Action action, const std::string& where, const std::string& reason) {
    recovery_.remember(where + ": " + reason);
    if (action == Recovery::Action::stop) throw NumericalError(recovery_.failure(record_.checkpoint_clause()));
    const bool back = action == Recovery::Action::roll_back;
    if (back) optimizer_.go_back(good_, last_objective());
    record_.add_metrics(
        event_line(state_.iteration, last_stage(), back ? "rolled back" : "skipped", reason, state_.recovery.rate));
    if (callbacks_.note) callbacks_.note(recovery_.report(action, where, reason, good_.iteration));
  }

  // False if the evaluation failed.
  bool validate(const Flow<S>& flow, TrainingProgress& progress, Evaluation& e) {
    std::string wrong;
    const double before = clock_.now();
    try {
      e = held_out_.validation(flow);
      wrong = impossible(e, progress, flow_, data_, plan_[progress.stage].batch, options_);
    } catch (const NumericalError& error) {
      wrong = error.what();
    }
    clock_.validation_took(clock_.now() - before);
    if (!wrong.empty()) {
      recover(recovery_.after_validation(), fmt::format("validation at iteration {}", state_.iteration), wrong);
      return false;
    }
    keep(flow, progress, e);
    if ((std::isfinite(e.nll) || e.points == 0) && recovery_.validation_went_well())
      good_ = optimizer_.snapshot(state_.iteration, last_objective());
    return true;
  }

  void keep(const Flow<S>& flow, TrainingProgress& progress, const Evaluation& e) {
    // Without validation data, or before the first finite validation, the latest model counts as the best.
    const bool none_yet = !std::isfinite(state_.best);
    progress.best = std::isfinite(e.nll) ? e.nll < state_.best : none_yet;
    if (!progress.best) ++state_.evaluations_since_best;
    record_.add_metrics(metrics_line(progress, e));
    if (!progress.best) return;
    if (std::isfinite(e.nll)) state_.best = e.nll;
    state_.best_iteration = state_.iteration, state_.evaluations_since_best = 0;
    record_.keep_best(flow, e);
  }

  void save_last() {
    record_.save_last(flow_, [this] { return state_to_save(); });
  }

  TrainingState state_to_save() const {
    TrainingState out = state_;
    optimizer_.write(out, last_objective());
    out.good.reset();
    if (good_.iteration != state_.iteration) out.good = good_;
    return out;
  }

  void validate_start(TrainingResult& result) {
    TrainingProgress progress;
    progress.iterations = total(), progress.stages = plan_.size(), progress.kind = stages_[0].objective->kind();
    progress.loss = kNan;
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
    if (result.interrupted || !has_best(state_)) return;
    record_.read_best();
    const bool chosen = choose_solver();
    const auto& validation = record_.best_evaluation();
    result.validation = validation && !chosen ? *validation : held_out_.validation(best());
    result.test = held_out_.test(best());
    result.has_best = true;
    // The best model may be older than the length of the run, which its recipe states.
    if (length_known_ || chosen) record_.rewrite_best();
  }

  // Chooses the evaluation solver of the best model by its error. False if no choice is wanted or possible.
  bool choose_solver() {
    const auto& points = data_.validation();
    if (options_.max_error == 0 || points.x.cols() == 0) return false;
    const auto choice = choose_evaluation(best(), points.x, points.c, options_.max_error, options_.threads);
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
  Flow<S> flow_;
  FlowOptimizer<S> optimizer_;
  RunRecord<S> record_;
  RunClock clock_;
  TrainingState state_;
  Recovery recovery_{state_.recovery};
  GoodState good_;
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

#include "recipe/train_ensemble.hpp"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "core/clock.hpp"
#include "flow/full_mixture_base.hpp"
#include "pathline/checkpoint/model.hpp"
#include "pathline/core/version.hpp"
#include "pathline/flow/flow_mixture.hpp"
#include "pathline/io/replace_file.hpp"
#include "pathline/recipe/build_data.hpp"
#include "pathline/recipe/build_flow.hpp"
#include "pathline/recipe/build_stages.hpp"
#include "pathline/train/evaluation_choice.hpp"
#include "recipe/describe_data.hpp"
#include "recipe/ensemble_weights.hpp"
#include "recipe/yardstick.hpp"
#include "train/held_out.hpp"
#include "train/metrics_line.hpp"
#include "train/pending_writes.hpp"
#include "train/run_directory.hpp"

namespace pathline {
namespace {

namespace fs = std::filesystem;

constexpr double kLeastSeconds = 0.05;  // that a member is given

template <class S> class EnsembleRun {
 public:
  EnsembleRun(const Recipe& recipe, const TrainingOptions& options, const TrainMember& train,
              const EnsembleStart& start)
      : recipe_(recipe),
        options_(options),
        train_(train),
        start_(start),
        files_(options.directory),
        pending_([this](const std::string& text) { note(text); }),
        began_(seconds_now()) {}

  TrainingResult run() {
    open();
    const auto result = train_and_assemble();
    pending_.finish();
    return result;
  }

 private:
  TrainingResult train_and_assemble() {
    TrainingResult sum;
    const auto stopped = [&] { return sum.interrupted = options_.stop && options_.stop(); };
    for (Index k = 0; k < count(); ++k) {
      if (stopped()) return sum;
      auto result = train_member(k);
      sum.iterations += result.iterations, sum.seconds += result.seconds;
      sum.interrupted = result.interrupted, sum.stopped_early = sum.stopped_early || result.stopped_early;
      if (sum.interrupted || !result.has_best) return sum;
      results_.push_back(std::move(result));
      if (k <= first_network() && recipe_.train.seconds > 0) reserve_ = seconds_at_the_end(k);
    }
    if (!stopped()) assemble(sum);
    return sum;
  }

  Index count() const { return recipe_.model.ensemble; }
  std::string directory(Index k) const { return files_.member(k); }
  std::string model_of(Index k) const { return RunDirectory(directory(k)).model(); }
  bool has_begun(Index k) const {
    const RunDirectory files(directory(k));
    return fs::exists(files.last()) || fs::exists(files.previous());
  }

  // The recipe of a member, before anything is chosen for it.
  Recipe of_member(Index k) const {
    Recipe out = is_mixture(k) ? *mixture_ : recipe_;
    out.model.ensemble = 1, out.model.member = k;
    return out;
  }

  // Reads the data, and finds what is wrong with the recipe before an older run is replaced.
  void open() {
    target_ = only_target(recipe_, options_.target);
    source_ = start_.source;
    if (!target_ && !source_) source_ = open_source(recipe_, options_.table);
    const auto data = data_of(recipe_);
    if (!recipe_.model.automatic) {
      stages_ = build_stages<S>(recipe_, options_.target);
      (void)build_flow<S>(recipe_, data.dim(), data.condition_dim());
    }
    if (!start_.source) describe_data(data, "", options_);
    open_files();
    for (Index k = first_network(); k < count(); ++k) missing_ += !(options_.resume && has_begun(k));
    left_ = recipe_.train.seconds * static_cast<double>(missing_) / static_cast<double>(count() - first_network());
    if (options_.begin) options_.begin();
    left_ -= seconds_now() - began_;
  }

  // The recipe of the mixture is written before that of the ensemble, without which nothing can be resumed.
  void open_files() {
    files_.lock();
    if (options_.resume) {
      files_.remove_dead_parts();
      if (fs::exists(files_.mixture())) mixture_ = read_recipe(files_.mixture());
    } else {
      files_.create_new(options_.replace);
      mixture_ = start_.mixture;
      if (mixture_) write_text_file(files_.mixture(), to_toml(*mixture_));
    }
    write_text_file(files_.ensemble(), to_toml(recipe_));
  }

  Index first_network() const { return mixture_ ? 1 : 0; }
  bool is_mixture(Index k) const { return k < first_network(); }

  TrainingData data_of(const Recipe& recipe) const {
    return target_ ? build_data(recipe, target_) : build_data(recipe, source_);
  }

  void note(const std::string& text) const {
    if (options_.note) options_.note(text);
  }

  // With a limit each member has an equal part of the time that is left, and its own choice: that of the first, made
  // again from other starts, gave members that resemble each other more, and left a part of the time.
  Recipe recipe_of_new(Index k) const {
    Recipe out = of_member(k);
    if (recipe_.train.seconds > 0 && !is_mixture(k))
      out.train.seconds = std::max(kLeastSeconds, (left_ - reserve_) / static_cast<double>(std::max<Index>(missing_, 1)));
    return out;
  }

  Recipe chosen() const { return recipe_of_run(directory(0)); }  // by the first member

  TrainingResult train_member(Index k) {
    const bool begun = options_.resume && has_begun(k);
    const bool stored = begun && (recipe_.train.seconds > 0 || recipe_.model.automatic);
    const Recipe recipe = stored ? recipe_of_run(directory(k)) : begun ? of_member(k) : recipe_of_new(k);
    if (options_.describe_data) note(fmt::format("member {} of {}{}", k + 1, count(), begun ? ": continued" : ""));
    TrainingOptions options = options_;
    options.directory = directory(k), options.resume = begun, options.replace = false;
    options.begin = {}, options.describe_data = false;
    options.progress = [this](const TrainingProgress& progress) {
      const auto whole = of_all(progress);
      // Before its first iteration a member knows nothing of its length.
      if (options_.progress && (progress.iteration > 0 || iterations_ == 0)) options_.progress(whole);
    };
    if (options_.note)
      options.note = [this, k](const std::string& text) { note(fmt::format("member {}: {}", k + 1, text)); };
    if (begun) keep_metrics(validations_of(k));
    const double before = seconds_now();
    const bool known = is_mixture(k) && start_.yardstick;
    auto result = train_(recipe, options, source_, static_cast<bool>(options_.progress),
                         known ? &start_.yardstick->mixture : nullptr);
    if (options_.resume) keep_metrics(ended_ = validations_of(k));
    iterations_ += result.iterations, seconds_ += result.seconds;
    if (!begun) left_ -= seconds_now() - before, missing_ -= is_mixture(k) ? 0 : 1;
    return result;
  }

  // The progress of a member as that of the whole; a validation goes into the metrics of the run.
  TrainingProgress of_all(TrainingProgress p) {
    const auto others = static_cast<double>(count() - std::ssize(results_) - 1);
    const double each = left_ / std::max<double>(1, static_cast<double>(missing_));
    p.seconds_left += others * (recipe_.train.seconds > 0 ? std::max(0.0, each) : p.seconds + p.seconds_left);
    p.iteration += iterations_, p.seconds += seconds_;
    p.iterations = iterations_ + p.iterations * (count() - std::ssize(results_));
    p.best = false;
    if (p.validation) append(metrics_line(p, *p.validation));
    return p;
  }

  void append(const std::string& line) {
    metrics_.push_back(line);
    pending_.write(
        files_.metrics(), [&] { files_.append_metrics(line); }, [this] { files_.restart_metrics(metrics_); });
  }
  void keep_metrics(std::vector<std::string> lines) {
    metrics_ = std::move(lines);
    pending_.write(files_.metrics(), [this] { files_.restart_metrics(metrics_); });
  }

  // The validations of the members that have ended, and those of member k, as of_all() counts them. A run that was
  // stopped may have more of them than its members' checkpoints, whose own metrics are cut when they continue.
  std::vector<std::string> validations_of(Index k) const {
    auto out = ended_;
    for (const auto& line : RunDirectory(directory(k)).metrics_lines()) {
      const auto read = read_metrics_line(line);
      if (!read.contains("validation_nll")) continue;
      auto j = nlohmann::ordered_json::parse(line);
      j["iteration"] = static_cast<Index>(metric(read, "iteration")) + iterations_;
      j["seconds"] = metric(read, "seconds") + seconds_;
      j["best"] = false;
      out.push_back(j.dump());
    }
    return out;
  }

  TrainerOptions trainer_options_of(const Recipe& recipe) const {
    auto out = trainer_options(recipe);
    out.threads = options_.threads;
    return out;
  }

  const Target* target() const { return target_ ? stages_.back().objective->target() : nullptr; }

  // About as long as the choice of the solver, the validation, the test and the comparison of the whole take.
  double seconds_at_the_end(Index k) {
    const double before = seconds_now();
    const auto member = read_model<S>(model_of(k));
    const auto recipe = recipe_of_run(directory(k));
    const auto options = trainer_options_of(recipe);
    const auto data = with_validation_rows(data_of(recipe), options);
    HeldOut held(options, data, target());
    held.set_solver(member.card.evaluation);
    if (options.max_error > 0 && data.validation().x.cols() > 0)
      (void)choose_evaluation(member.flow, data.validation().x, data.validation().c, options.max_error, options.threads);
    (void)held.validation(member.flow), (void)held.test(member.flow);
    const double took = seconds_now() - before;
    left_ -= took;
    return static_cast<double>(count()) * took + yardstick_seconds(recipe_.train.seconds);
  }

  void assemble(TrainingResult& result) {
    std::vector<Flow<S>> flows;
    ModelCard card{.version = PATHLINE_VERSION, .precision = {}, .recipe = to_toml(recipe_), .digest = {}, .columns = {},
                   .condition_columns = {}, .metrics = {}};
    for (Index k = 0; k < count(); ++k) {
      auto model = read_model<S>(model_of(k));
      flows.push_back(std::move(model.flow)), card.members.push_back(model.card.recipe);
      if (k > 0) continue;
      card.columns = model.card.columns, card.condition_columns = model.card.condition_columns;
      card.condition_range = model.card.condition_range, card.discrete = model.card.discrete;
    }
    const auto recipe = chosen();
    if (stages_.empty()) stages_ = build_stages<S>(recipe, options_.target);
    auto options = trainer_options_of(recipe);
    const auto all = data_of(recipe), data = with_validation_rows(all, options);
    const Vector<double> weights = weights_of(flows, data, options.evaluation);
    auto& solver = options.evaluation.solver;
    if (const auto& points = data.validation(); options.max_error > 0 && points.x.cols() > 0)
      solver = choose_evaluation(flow_mixture(flows, weights), points.x, points.c, options.max_error, options.threads).solver;
    const auto flow = flow_mixture(std::move(flows), weights, solver);
    const HeldOut held(options, data, target());
    result.validation = held.validation(flow), result.test = held.test(flow);
    result.entropy = all.entropy(), result.has_best = true, result.best_iteration = iterations_;
    card.evaluation = solver, card.metrics = {last_line(result)};
    card.trained = trained_figure(card.metrics);
    append(card.metrics.front());
    pending_.write(files_.model(), [this, model = Model<S>{flow, card}] { write_model(files_.model(), model); });
    compare_with_members(result);
    if (result.test.points == 0 || target_) return;
    auto mixture = start_.yardstick;
    if (const auto* fitted = fitted_base(flow, recipe); fitted && !mixture) mixture = FittedMixture{all, *fitted};
    result.yardstick =
        measure_after_training(flow, all, mixture, options.evaluation, options_.threads, recipe_.train.seconds);
  }

  Vector<double> weights_of(const std::vector<Flow<S>>& flows, const TrainingData& data,
                            const EvaluationOptions& evaluation) const {
    const auto& held = data.validation();
    if (!mixture_ || held.x.cols() == 0) return Vector<double>::Constant(count(), 1.0 / static_cast<double>(count()));
    auto options = evaluation;
    options.threads = options_.threads;
    Matrix<double> log_density(count(), held.x.cols());
    for (Index k = 0; k < count(); ++k)
      log_density.row(k) = flows[static_cast<std::size_t>(k)].log_prob(held.x, held.c, options).log_prob;
    const auto out = ensemble_weights(log_density, data.validation_weights());
    if (options_.describe_data)
      note(
          fmt::format("the weights of the members, by the validation rows: {:.2f} of the mixture, {:.2f} of the others",
                      out[0], fmt::join(out.tail(count() - 1), ", ")));
    return out;
  }

  // The mixture that was fitted to be the base of the first member, if it is one to compare with.
  static const GaussianMixture* fitted_base(const Flow<S>& flow, const Recipe& recipe) {
    const auto& model = recipe.model;
    const bool best_of_its_kind = model.base_components > 1 || model.base_fit_options.all_rows;
    if (!model.base_fit || model.base_train || !best_of_its_kind) return nullptr;
    return mixture_of(*flow.members()->members().front().base);
  }

  std::string last_line(const TrainingResult& result) const {
    TrainingProgress p;
    p.iteration = p.iterations = iterations_, p.seconds = seconds_;
    p.stages = stages_.size(), p.stage = stages_.size() - 1, p.kind = stages_.back().objective->kind();
    p.loss = std::numeric_limits<double>::quiet_NaN(), p.best = true;
    return metrics_line(p, result.validation);
  }

  void compare_with_members(const TrainingResult& result) const {
    if (result.test.points == 0 || !options_.describe_data) return;
    double least = std::numeric_limits<double>::infinity(), most = -least, mean = 0;
    for (const auto& r : results_)
      least = std::min(least, r.test.nll), most = std::max(most, r.test.nll),
      mean += r.test.nll / static_cast<double>(results_.size());
    note(fmt::format("the test NLL of the {} members alone is {:.4f} nats in the mean, {:.4f} to {:.4f}; that of the "
                     "ensemble {:.4f}",
                     results_.size(), mean, least, most, result.test.nll));
  }

  const Recipe& recipe_;
  const TrainingOptions& options_;
  const TrainMember& train_;
  const EnsembleStart& start_;
  RunDirectory files_;
  PendingWrites pending_;
  double began_;
  std::optional<Target> target_;
  std::optional<Recipe> mixture_;  // of the first member, if it is one beside flows
  std::shared_ptr<const DataSource> source_;
  std::vector<Stage<S>> stages_;
  std::vector<TrainingResult> results_;  // of the members
  std::vector<std::string> metrics_;     // the lines of the run
  std::vector<std::string> ended_;       // the validations of the members that have ended, of a run that is resumed
  Index missing_ = 0;                    // members that are still to begin, a mixture apart
  double left_ = 0, reserve_ = 0;        // seconds for them; of these, for the end
  Index iterations_ = 0;                 // of the members that are trained
  double seconds_ = 0;
};

}  // namespace

template <class S> TrainingResult train_ensemble(const Recipe& recipe, const TrainingOptions& options,
                                                 const TrainMember& train, const EnsembleStart& start) {
  return EnsembleRun<S>(recipe, options, train, start).run();
}

std::optional<Recipe> recipe_of_ensemble(const std::string& directory) {
  const std::string file = RunDirectory(directory).ensemble();
  if (!fs::exists(file)) return std::nullopt;
  return read_recipe(file);
}

template TrainingResult train_ensemble<float>(const Recipe&, const TrainingOptions&, const TrainMember&,
                                              const EnsembleStart&);
template TrainingResult train_ensemble<double>(const Recipe&, const TrainingOptions&, const TrainMember&,
                                               const EnsembleStart&);

}  // namespace pathline

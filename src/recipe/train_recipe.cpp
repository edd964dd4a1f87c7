#include "pathline/recipe/train_recipe.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include <fmt/format.h>

#include "core/clock.hpp"
#include "pathline/core/error.hpp"
#include "pathline/recipe/build_data.hpp"
#include "pathline/recipe/build_flow.hpp"
#include "pathline/recipe/build_stages.hpp"
#include "recipe/automatic.hpp"
#include "recipe/describe_data.hpp"
#include "recipe/in_table.hpp"
#include "recipe/network_trial.hpp"
#include "recipe/resume_check.hpp"
#include "recipe/train_ensemble.hpp"
#include "recipe/yardstick.hpp"
#include "train/run_directory.hpp"

namespace pathline {
namespace {

// The user's note, which names the recipe's keys; null if there is none.
std::function<void(const std::string&)> note(const TrainingOptions& options) {
  if (!options.note) return nullptr;
  return [&options](const std::string& text) { options.note(with_keys(text)); };
}

template <class S> TrainingCallbacks<S> callbacks(const TrainingOptions& options) {
  return {.iteration =
              [&options](const TrainingProgress& progress, const Flow<S>&) {
                const bool stop = options.stop && options.stop();
                if (options.progress) options.progress(progress);
                return stop ? TrainingAction::stop : TrainingAction::proceed;
              },
          .validation = {},
          .note = note(options)};
}

// The file from which a run continues. Every call reads and checks the whole of it.
std::string resumed_file(const std::string& directory) {
  std::string unused;  // the trainer says it
  return RunDirectory(directory).resumable(unused);
}

Recipe recipe_in(const std::string& file) { return parse_recipe(read_card(file).recipe, file); }

// The base of a run that continues is in its file, `from`.
template <class S>
void set_base(Flow<S>& flow, const Recipe& recipe, const TrainingData& data, std::optional<GaussianMixture>& base,
              const TrainingOptions& options, const std::string& from) {
  if (!recipe.model.base_fit) return;
  const auto kind = data.condition_dim() > 0 ? BaseKind::conditional_mixture : BaseKind::full_mixture;
  if (recipe.model.base != kind)
    throw InputError(fmt::format("model.base_fit needs model.base = {}", to_string(kind)));
  set_velocity_to_zero(flow);
  if (options.resume) {
    flow.base = read_model<S>(from).flow.base;
    return;
  }
  if (!base)
    base = in_table("model", [&] { return fit_base(base_rows_of(data, recipe.model.base_fit_options.rows),
                                                base_fit_options(recipe, options.threads)); });
  flow.base = make_base(*base, data.condition_dim());
}

constexpr double kTrialShare = 0.1;     // of the time
constexpr double kGaussianShare = 0.4;  // of what is left after it
constexpr double kLeastSeconds = 0.01;  // for a choice after the reading took all of the time

template <class S> AutomaticChoice choose(const Recipe& asked, const TrainingData& data, double began,
                                          const TrainingOptions& options) {
  const auto left = [&] { return asked.train.seconds - (seconds_now() - began); };
  const double seconds = asked.train.seconds > 0 ? std::max(left(), kLeastSeconds) : 0;
  auto choice = choose_automatically(asked, data, seconds, options.threads);
  if (!choice.mixture) return choice;
  const GaussianMixture& mixture = *choice.base;
  const BaseFitOptions fit = choice.mixture->fit;
  double trial_began = seconds_now();
  const Trial above = try_network<S>(choice, mixture, {kTrialShare * asked.train.seconds, 5000}, options);
  const double trial_seconds = seconds_now() - trial_began;
  // On a busy machine the mixtures may have taken all of the time.
  if (const double share = kGaussianShare * left(); !earns(above.gain) && share > 0) {
    trial_began = seconds_now();
    auto other = above_gaussian(choice, options.threads);
    const Trial alone = try_network<S>(other, mixture, {share, 1000, 50}, options);
    const auto text = fmt::format(
        "a network of {} above one Gaussian is {:.4f} nats {} a mixture of {} on the validation rows after {:.1f} s",
        fmt::join(other.recipe.model.network.hidden, ", "), std::abs(alone.gain),
        alone.gain > 0 ? "ahead of" : "behind", fit.members * fit.components, seconds_now() - trial_began);
    if (is_ahead(alone.gain)) {
      other.reasons.push_back("base: 1 Gaussian; " + text + ", and trains in the time that is left");
      return other;
    }
    choice.reasons.push_back(text);
  }
  const double held_out = above.each * static_cast<double>(data.validation().x.cols() + data.test().x.cols());
  decide_on_network(choice, above.gain, trial_seconds, 0.99 * left() - held_out, options.threads);
  return choice;
}

// from: the file from which the run continues, if it does. source: of the data of an ensemble, of which this is a member;
// otherwise null.
template <class S> TrainingResult run(const Recipe& asked, const TrainingOptions& options, const std::string& from,
                                      std::shared_ptr<const DataSource> source, bool estimate_time) {
  const double began = seconds_now();
  Recipe recipe = asked;
  const bool is_member = source != nullptr;
  auto data = source ? build_data(asked, std::move(source))
                     : build_data(asked, only_target(asked, options.target), options.table);
  std::optional<GaussianMixture> base, yardstick;
  std::vector<std::string> reasons;
  if (recipe.model.automatic) {
    auto choice = choose<S>(asked, data, began, options);
    recipe = std::move(choice.recipe), data = std::move(choice.data);
    base = std::move(choice.base), reasons = std::move(choice.reasons);
    yardstick = std::move(choice.yardstick);
  }
  auto stages = build_stages<S>(recipe, options.target);
  recipe.model = with_hidden(recipe.model, data.dim());  // the files of the run have the widths as numbers
  auto trainer = trainer_options(recipe);
  trainer.directory = options.directory, trainer.resume = options.resume, trainer.replace = options.replace;
  trainer.threads = options.threads;
  trainer.estimate_time = estimate_time;
  if (options.resume) check_size(recipe, data.dim(), data.condition_dim(), from);
  trainer.validate_first = recipe.model.base_fit && data.validation().x.cols() > 0;
  auto flow = build_flow<S>(recipe, data.dim(), data.condition_dim());
  describe_data(data, fmt::format("; {} parameters", flow.theta().size()), options);
  if (options.note && options.describe_choice)
    for (const auto& text : reasons) options.note(text);
  set_base(flow, recipe, data, base, options, from);
  trainer.seconds_spent = options.resume ? 0 : seconds_now() - began;
  // What the recipe of the files says once the length of the run is known: the same run, without a limit.
  trainer.recipe_of = [&recipe](const RunLength& length) {
    Recipe exact = recipe;
    exact.train.iterations = length.iterations, exact.train.schedule.cooldown = length.cooldown;
    exact.train.seconds = 0;
    return to_toml(exact);
  };
  const auto evaluation = trainer.evaluation;
  const bool validated = trainer.validate_first;
  auto training = in_table(
      "train", [&] { return Trainer<S>(flow, data, std::move(stages), std::move(trainer), callbacks<S>(options)); });
  if (options.begin) options.begin();
  auto result = training.run();
  if (validated && !result.has_best && !result.interrupted)
    throw InputError(
        data.name() +
        ": the density of the validation rows is not finite, and no model was written; look for values far outside "
        "of the others, and leave these rows out");
  if (result.interrupted || !result.has_best || result.test.points == 0 || is_member) return result;
  EvaluationOptions exact = evaluation;
  exact.trace = {}, exact.threads = options.threads;
  if (!yardstick && recipe.model.base_fit) yardstick = base;
  result.yardstick = measure(training.best(), data, yardstick ? &*yardstick : nullptr, exact,
                             yardstick_seconds(result.seconds));
  return result;
}

// One flow, which may be the member of an ensemble with a source.
TrainingResult train_one(const Recipe& asked, const TrainingOptions& options, std::shared_ptr<const DataSource> source,
                         bool estimate_time) {
  check_recipe(asked);
  Recipe recipe = asked;
  std::string from;
  if (options.resume) {
    from = resumed_file(options.directory);
    const Recipe stored = recipe_in(from);
    if (recipe.model.automatic) recipe = stored;  // what was chosen
    auto& hidden = recipe.model.network.hidden;
    if (hidden == ModelRecipe{}.network.hidden) hidden = stored.model.network.hidden;  // automatic
    check_resumed(stored, recipe);
  }
  try {
    if (recipe.model.precision == Precision::float64)
      return run<double>(recipe, options, from, std::move(source), estimate_time);
    return run<float>(recipe, options, from, std::move(source), estimate_time);
  } catch (const NumericalError& error) {
    throw NumericalError(with_keys(error.what()) + " (optimizer.learning_rate, optimizer.clip)");
  }
}

}  // namespace

TrainingResult train_recipe(const Recipe& recipe, const TrainingOptions& options) {
  // Before a model is chosen, which takes a good part of the time.
  if (!options.resume) RunDirectory(options.directory).check_new(options.replace);
  const auto stored = options.resume ? recipe_of_ensemble(options.directory) : std::nullopt;
  if (recipe.model.ensemble == 1 && !stored)
    return train_one(recipe, options, nullptr, static_cast<bool>(options.progress));
  check_recipe(recipe);
  if (recipe.model.member > 0)
    throw InputError("model.member selects one member, which is no ensemble: leave it out or set model.ensemble = 1");
  if (stored && (recipe.train.seconds > 0 || recipe.model.automatic)) check_unchanged(*stored, recipe);
  if (options.resume) check_resumed(stored ? *stored : recipe_in(resumed_file(options.directory)), recipe);
  if (recipe.model.precision == Precision::float64) return train_ensemble<double>(recipe, options, train_one);
  return train_ensemble<float>(recipe, options, train_one);
}

Recipe recipe_of_run(const std::string& directory) {
  if (auto ensemble = recipe_of_ensemble(directory)) return *ensemble;
  return recipe_in(resumed_file(directory));
}

}  // namespace pathline

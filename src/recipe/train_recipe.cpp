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
#include "recipe/choose_model.hpp"
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

TrainingResult train_one(const Recipe& asked, const TrainingOptions& options, std::shared_ptr<const DataSource> source,
                         bool estimate_time, const GaussianMixture* known_base);

// from: the file from which the run continues, if it does. source: of the data of an ensemble, of which this is a
// member; otherwise null. known_base: that model.base_fit gives, or null.
template <class S> TrainingResult run(const Recipe& asked, const TrainingOptions& options, const std::string& from,
                                      std::shared_ptr<const DataSource> source, bool estimate_time,
                                      const GaussianMixture* known_base) {
  const double began = seconds_now();
  Recipe recipe = asked;
  const bool is_member = source != nullptr;
  const auto target = only_target(asked, options.target);
  if (!source && !target) source = open_source(asked, options.table);
  auto data = source ? build_data(asked, source) : build_data(asked, target);
  std::optional<GaussianMixture> base;
  if (known_base) base = *known_base;
  std::optional<FittedMixture> yardstick;
  if (recipe.model.automatic) {
    describe_data(data, "", options);
    auto choice = choose_model<S>(asked, data, began, options, !is_member);
    if (options.note && options.describe_choice)
      for (const auto& text : choice.reasons) options.note(text);
    recipe = std::move(choice.recipe), data = std::move(choice.data);
    base = std::move(choice.base), yardstick = std::move(choice.yardstick);
    if (recipe.model.ensemble > 1)
      return train_ensemble<S>(recipe, options, train_one, {source, yardstick, choice.beside});
  }
  auto stages = build_stages<S>(recipe, options.target);
  recipe.model = with_hidden(recipe.model, data.dim());  // the files of the run have the widths as numbers
  auto trainer = trainer_options(recipe);
  trainer.directory = options.directory, trainer.resume = options.resume, trainer.replace = options.replace;
  trainer.threads = options.threads, trainer.estimate_time = estimate_time;
  if (options.resume) check_size(recipe, data.dim(), data.condition_dim(), from);
  trainer.validate_first = recipe.model.base_fit && data.validation().x.cols() > 0;
  auto flow = build_flow<S>(recipe, data.dim(), data.condition_dim());
  const auto parameters = fmt::format("{} parameters", flow.theta().size());
  if (!asked.model.automatic)
    describe_data(data, "; " + parameters, options);
  else if (options.note && options.describe_choice)
    options.note("the network has " + parameters);
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
  if (!yardstick && base) yardstick = FittedMixture{data, *base};
  result.yardstick =
      measure_after_training(training.best(), data, yardstick, evaluation, options.threads, result.seconds);
  return result;
}

// One flow, which may be the member of an ensemble with a source.
TrainingResult train_one(const Recipe& asked, const TrainingOptions& options, std::shared_ptr<const DataSource> source,
                         bool estimate_time, const GaussianMixture* known_base) {
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
      return run<double>(recipe, options, from, std::move(source), estimate_time, known_base);
    return run<float>(recipe, options, from, std::move(source), estimate_time, known_base);
  } catch (const NumericalError& error) {
    throw NumericalError(with_keys(error.what()) + " (optimizer.learning_rate, optimizer.clip)");
  }
}

}  // namespace

TrainingResult train_recipe(const Recipe& asked, const TrainingOptions& options) {
  // Before a model is chosen, which takes a good part of the time.
  if (!options.resume) RunDirectory(options.directory).check_new(options.replace);
  const auto stored = options.resume ? recipe_of_ensemble(options.directory) : std::nullopt;
  if (asked.model.ensemble == 1 && !stored)
    return train_one(asked, options, nullptr, static_cast<bool>(options.progress), nullptr);
  // The ensemble may be what a recipe with model.automatic chose.
  const bool chosen = stored && asked.model.automatic && asked.model.ensemble == 1;
  Recipe recipe = chosen ? *stored : asked;
  if (chosen) recipe.data = asked.data, recipe.data.preparing.marginals = stored->data.preparing.marginals;
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

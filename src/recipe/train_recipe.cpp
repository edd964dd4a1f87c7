#include "pathline/recipe/train_recipe.hpp"

#include <fmt/format.h>

#include "pathline/core/error.hpp"
#include "pathline/recipe/build_data.hpp"
#include "pathline/recipe/build_flow.hpp"
#include "pathline/recipe/build_stages.hpp"
#include "recipe/in_table.hpp"
#include "recipe/resume_check.hpp"
#include "train/run_directory.hpp"

namespace pathline {
namespace {

template <class S> TrainingCallbacks<S> callbacks(const TrainingOptions& options) {
  return {.iteration =
              [&options](const TrainingProgress& progress, const Flow<S>&) {
                const bool stop = options.stop && options.stop();
                if (options.progress) options.progress(progress);
                return stop ? TrainingAction::stop : TrainingAction::proceed;
              },
          .validation = {},
          .note = options.note};
}

// What the data are and what was found in them, before anything is trained.
void describe(const TrainingData& data, Index parameters, const TrainingOptions& options) {
  if (!options.note || !options.describe_data) return;
  if (const auto text = data.summary(); !text.empty())
    options.note(fmt::format("{}: {}; {} parameters", data.name(), text, parameters));
  for (const auto& text : data.notes()) options.note(with_keys(text));
}

template <class S> TrainingResult run(const Recipe& asked, const TrainingOptions& options) {
  auto stages = build_stages<S>(asked, options.target);
  auto data = build_data(asked, only_target(asked, options.target), options.table);
  Recipe recipe = asked;
  recipe.model = with_hidden(recipe.model, data.dim());  // the files of the run have the widths as numbers
  auto trainer = trainer_options(recipe);
  trainer.directory = options.directory, trainer.resume = options.resume, trainer.replace = options.replace;
  trainer.threads = options.threads;
  trainer.estimate_time = static_cast<bool>(options.progress);
  if (options.resume) {
    std::string unused;
    check_size(recipe, data.dim(), data.condition_dim(), RunDirectory(options.directory).resumable(unused));
  }
  const auto flow = build_flow<S>(recipe, data.dim(), data.condition_dim());
  describe(data, flow.theta().size(), options);
  Trainer<S> training(flow, std::move(data), std::move(stages), std::move(trainer), callbacks<S>(options));
  if (options.begin) options.begin();
  return training.run();
}

}  // namespace

TrainingResult train_recipe(const Recipe& asked, const TrainingOptions& options) {
  check_recipe(asked);
  Recipe recipe = asked;
  if (options.resume) {
    const Recipe stored = recipe_of_run(options.directory);
    auto& hidden = recipe.model.network.hidden;
    if (hidden == ModelRecipe{}.network.hidden) hidden = stored.model.network.hidden;  // automatic
    check_resumed(stored, recipe);
  }
  try {
    if (recipe.model.precision == Precision::float64) return run<double>(recipe, options);
    return run<float>(recipe, options);
  } catch (const NumericalError& error) {
    throw NumericalError(std::string(error.what()) + " (optimizer.learning_rate, optimizer.clip)");
  }
}

Recipe recipe_of_run(const std::string& directory) {
  std::string unused;
  const std::string from = RunDirectory(directory).resumable(unused);
  return parse_recipe(read_card(from).recipe, from);
}

}  // namespace pathline

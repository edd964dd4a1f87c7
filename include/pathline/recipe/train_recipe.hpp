/// \file
/// Trains what a recipe describes: model.h5 (best by validation), last.h5 (to resume from) and metrics.jsonl.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "pathline/recipe/recipe.hpp"
#include "pathline/train/trainer.hpp"

namespace pathline {

struct TrainingOptions {
  std::string directory = {};        ///< made if it is not there
  bool resume = false;               ///< continue from its last.h5, or from previous.h5 if that is damaged
  bool replace = false;              ///< deletes an existing run, once the new one is ready for its first step
  std::function<void()> begin = {};  ///< called once the data are read, before the first iteration
  std::function<void(const TrainingProgress&)> progress = {};
  /// The data, in memory, in place of a file: data.source is only its name then. It must outlive the training.
  const TableView* table = nullptr;
  std::optional<Target> target = {};                  ///< the user's own: what objective.target = "user" means
  std::function<bool()> stop = {};                    ///< asked after each iteration: true saves and returns
  int threads = 1;                                    ///< >= 0, 0: one per core
  bool describe_data = true;                          ///< note also receives what the data are, before the training
  bool describe_choice = true;                        ///< note also receives what model.automatic tried and chose
  std::function<void(const std::string&)> note = {};  ///< receives what the user should know, such as a damaged last.h5
};

/// Builds the recipe's flow, data and objectives and trains them (Trainer), in the arithmetic of model.precision.
/// With model.automatic the base, its marginal maps, the network and the schedule are chosen by the data within
/// train.time; the recipe of the files has what was chosen, and a run of it is bitwise the same.
/// With model.ensemble = K, K flows are trained one after the other in the subdirectories member-1, ..., of which model.h5
/// at the end is the mixture (FlowMixture); train.time is that of all together, and ensemble.toml has the recipe. The
/// recipe of each member, in its model.h5 and in that of the whole, gives that member again.
/// Bitwise the same on any number of threads, and bitwise the same when stopped and resumed, with the same data.*,
/// model.* and train.seed. InputError for a recipe, its data or its directory (one that already holds a run is not
/// overwritten); NumericalError with advice when a solve fails: last.h5 then has the last checkpoint.
TrainingResult train_recipe(const Recipe& recipe, const TrainingOptions& options);

/// The recipe of the run in a directory, from its last.h5, or from previous.h5 if that is damaged.
[[nodiscard]] Recipe recipe_of_run(const std::string& directory);

}  // namespace pathline

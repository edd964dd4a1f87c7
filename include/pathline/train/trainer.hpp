/// \file
/// The training loop: recipe in, model.h5 (best by validation), last.h5 (to resume from) and metrics.jsonl out.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "pathline/train/evaluate.hpp"
#include "pathline/recipe/recipe.hpp"

namespace pathline {

/// After each iteration; validation is set after those with an evaluation.
struct TrainingProgress {
  Index iteration = 0, iterations = 0;  ///< done, and of all stages
  std::size_t stage = 0, stages = 1;
  std::string kind;  ///< of the stage's objective
  double loss = 0;   ///< what is minimized, of this batch: an NLL in nats for likelihood
  double nfe = 0, backward_nfe = 0;
  double gradient_norm = 0, learning_rate = 0;
  double samples_per_second = 0, seconds = 0, seconds_left = 0;  ///< seconds: of the whole run, earlier parts too
  const Evaluation* validation = nullptr;
  bool best = false;  ///< this validation is the best so far
};

struct TrainingOptions {
  std::string directory;  ///< made if it is not there
  bool resume = false;    ///< continue from its last.h5, or from previous.h5 if that is damaged
  bool replace = false;   ///< a run that is there goes, once all of the new one but its first step is made
  std::function<void(const TrainingProgress&)> progress = {};
  std::optional<Target> target = {};                  ///< of one's own: what objective.target = "user" is
  std::function<bool()> stop = {};                    ///< asked after each iteration: true saves and returns
  std::function<void(const std::string&)> note = {};  ///< receives what the user should know, such as a damaged last.h5
};

struct TrainingResult {
  Index iterations = 0, best_iteration = 0;
  bool interrupted = false, stopped_early = false;
  Evaluation validation, test;    ///< of the best model; test has no points if the run was interrupted
  std::optional<double> entropy;  ///< of the data, nats, where it is known
  double seconds = 0;             ///< spent on training and validation
};

/// The arithmetic is the recipe's model.precision. Bitwise the same on any number of threads, and bitwise the same when
/// stopped and resumed, with the same data.*, model.* and train.seed. InputError for a recipe, its data or its
/// directory (one that already holds a run is not overwritten); NumericalError with advice when a solve fails: last.h5
/// then has the last checkpoint.
TrainingResult train(const Recipe& recipe, const TrainingOptions& options);

/// The recipe of the run in a directory, from its last.h5.
Recipe recipe_of_run(const std::string& directory);

}  // namespace pathline

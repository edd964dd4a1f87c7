/// \file
/// A recipe: everything that decides a training run, as plain data. A TOML file has one table for each struct below.
/// Defaults are here: those that train a toy, or a table of a few columns, in half a minute (FFJORD's own are in
/// models/ffjord_8gaussians.toml, and take ten times as long to the same density). Ranges, choices and descriptions are
/// in the table of src/recipe/recipe_fields.cpp, which recipe_keys() lists.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "pathline/core/types.hpp"

namespace pathline {

struct DataRecipe {
  std::string source;
  std::vector<std::string> columns, condition;
  bool standardize = true;
  Index validation_size = 10000, test_size = 10000;
  double validation_fraction = 0.1, test_fraction = 0.1;
  double dequantize = 0, logit = 0;
  std::string header = "automatic";
  bool drop_missing = false;
  std::string validation, test, weights;
  std::vector<std::string> discrete;
  bool operator==(const DataRecipe&) const = default;
};

struct ModelRecipe {
  std::string field = "mlp";
  std::vector<Index> hidden = {0};  ///< {0}: automatic, see with_hidden
  std::string layer = "concatsquash", activation = "swish";
  bool residual = false;
  Index time_features = 0, blocks = 1;
  bool batch_norm = false;
  double end_time = 1;
  bool train_end_time = false;
  std::string base = "normal";
  Index base_components = 8;
  bool base_train = true;
  std::string precision = "float";
  bool operator==(const ModelRecipe&) const = default;
};

struct TraceRecipe {
  std::string kind = "exact", noise = "rademacher";
  Index probes = 1;
  bool operator==(const TraceRecipe&) const = default;
};

/// How validation, test and every later use of the model solve: its own defaults, whatever [solver] says, so that
/// coarse steps in training do not flatter what is reported.
struct EvaluationRecipe {
  std::string stepper = "dopri5";
  double rtol = 1e-6, atol = 1e-6;
  Index steps = 0, max_steps = 10000;
  bool operator==(const EvaluationRecipe&) const = default;
};

struct SolverRecipe {
  std::string stepper = "dopri5";
  double rtol = 1e-3, atol = 1e-3;
  Index steps = 0, max_steps = 10000;
  std::string adjoint = "discrete";
  EvaluationRecipe evaluation;
  bool operator==(const SolverRecipe&) const = default;
};

/// One stage of training.
struct ObjectiveRecipe {
  std::string kind = "likelihood";
  Index iterations = 0, batch = 0;
  double learning_rate = 0;
  double kinetic = 0, jacobian = 0;
  double l1int = 0, l2int = 0, dl2int = 0, JFrobint = 0, JdiagFrobint = 0, JoffdiagFrobint = 0;
  double transport = 0, hjb = 0, steer = 0;
  std::string coupling = "independent", path = "linear";
  double sigma = 0;
  std::string time_sampling = "uniform";
  std::string target;
  double anneal = 1;
  bool operator==(const ObjectiveRecipe&) const = default;
};

struct OptimizerRecipe {
  std::string name = "adam";
  double learning_rate = 1e-2, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weight_decay = 0, clip = 1;
  std::string schedule = "cosine";
  Index warmup = 100;
  double final = 0;
  Index decay_every = 1000;
  double decay_factor = 0.5, ema = 0.99;
  bool operator==(const OptimizerRecipe&) const = default;
};

struct TrainRecipe {
  Index iterations = 3000, batch = 256, tile = 0, seed = 0;
  Index evaluate_every = 250, checkpoint_every = 500, patience = 0;
  bool operator==(const TrainRecipe&) const = default;
};

struct Recipe {
  DataRecipe data;
  ModelRecipe model;
  TraceRecipe trace;
  SolverRecipe solver;
  /// the stages in their order, one at least
  std::vector<ObjectiveRecipe> objective = std::vector<ObjectiveRecipe>(1);
  OptimizerRecipe optimizer;
  TrainRecipe train;
  bool operator==(const Recipe&) const = default;
};

/// InputError, "NAME:LINE: what", for text that is not TOML, an unknown table or key (with the nearest), a value of
/// another type or out of its range.
Recipe parse_recipe(std::string_view toml, const std::string& name_for_errors);
Recipe read_recipe(const std::string& path);

/// assignment: "table.key=value", as a line of TOML. A word needs no quotes, a list no brackets: "model.hidden=64,64".
/// Stage n, from 1, is objective.n; without the number the only stage is meant. InputError as parse_recipe, and the
/// recipe is then as before.
void set(Recipe& recipe, std::string_view assignment);

/// Every key with its value, as TOML; parses back to an equal recipe. InputError as check_recipe.
std::string to_toml(const Recipe& recipe);

/// InputError, "solver.rtol = -1: must be > 0", for a value that no recipe file could have given.
void check_recipe(const Recipe& recipe);

struct RecipeKey {
  std::string key;            ///< "solver.rtol"
  std::string default_value;  ///< as TOML
  std::string range;          ///< "> 0"; "one of exact, hutchinson"; "true or false"
  std::string description;    ///< one line
};
const std::vector<RecipeKey>& recipe_keys();  ///< in the order of to_toml

}  // namespace pathline

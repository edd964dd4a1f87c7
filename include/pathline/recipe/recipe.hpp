/// \file
/// A recipe: everything that decides a training run, as plain data. It is made of the option structs of the library, so
/// that a default and a name stand in one place, where the option is. A TOML file sets the members that have a key;
/// recipe_keys() lists the keys with their ranges, choices and descriptions, from the table in
/// src/recipe/recipe_fields.cpp. Members without a key (a directory, a number of threads, a seed other than
/// train.seed) are set when the objects are built.
///
/// The defaults train a toy, or a table of a few columns, in half a minute. FFJORD's own options are in
/// models/ffjord_8gaussians.toml and take ten times as long to the same density.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "pathline/field/mlp.hpp"
#include "pathline/objective/objective.hpp"
#include "pathline/train/base_fit.hpp"
#include "pathline/train/trainer.hpp"
#include "pathline/transform/coupling_layer.hpp"

namespace pathline {

/// The classes of vector field that a recipe can build.
enum class FieldKind { mlp, potential };
[[nodiscard]] const std::vector<std::string>& field_names();

/// The objectives that a recipe can build, by the names of Objective::kind().
enum class ObjectiveKind { likelihood, flow_matching, reverse_kl };
[[nodiscard]] const std::vector<std::string>& objective_names();
[[nodiscard]] std::string to_string(ObjectiveKind kind);

/// The scalar type of the flow, whose names are `float` and `double`.
enum class Precision { float32, float64 };
[[nodiscard]] const std::vector<std::string>& precision_names();

/// The table [data].
struct DataRecipe {
  std::string source;             ///< a toy or a table; empty: no data
  SourceOptions reading;          ///< the columns of the source and its parts
  TrainingDataOptions preparing;  ///< what is made of them; its condition and discrete are those of `reading`
  /// Bounds and periods of columns in words: see parse_bounds and parse_periods. They fill `reading` and `preparing`
  /// when the objects are built.
  std::vector<std::string> bounds, period;
};

/// The transforms with a closed form that a recipe can build, by the names of Transform::kind().
enum class LayerKind { spline_coupling, affine_coupling, planar, radial };
[[nodiscard]] const std::vector<std::string>& layer_names();

/// The table [model.transforms]: transforms between the continuous blocks and the data.
struct LayersRecipe {
  LayerKind kind = LayerKind::spline_coupling;
  Index count = 0;
  /// Of a coupling. Its kind, dimensions and columns follow from the rest, its activation and residual from [model].
  CouplingOptions coupling = {};
};

/// The table [model].
struct ModelRecipe {
  /// Chooses the model and the length of its training by the data and train.time: see train_recipe. The recipe that the
  /// run keeps has what was chosen, and false here.
  bool automatic = false;
  FieldKind field = FieldKind::mlp;
  /// The network. A potential has only its widths. Two defaults are not those of MlpOptions: hidden = {0} is automatic
  /// (see with_hidden), because the best widths depend on the data; swish does not saturate as FFJORD's tanh does.
  MlpOptions network{.hidden = {0}, .activation = Activation::swish};
  Index blocks = 1;  ///< 0 if there are transforms
  LayersRecipe layers = {};
  bool batch_norm = false;
  double end_time = 1;
  bool train_end_time = false;
  BaseKind base = BaseKind::normal;
  Index base_components = 8;
  /// Whether a full_mixture or a conditional_mixture is fitted to the training rows before the training, in which the
  /// field then begins as 0.
  bool base_fit = false;
  /// How it is fitted; its components are base_components, its seed is train.seed.
  BaseFitOptions base_fit_options = {};
  bool base_train = true;  ///< sets GradientOptions::base and TrainerOptions::frozen
  /// Number of flows that are trained one after the other, from different weights, batches and starts, on the same rows.
  /// The model is their mixture with equal weights: see FlowMixture and train_recipe.
  Index ensemble = 1;
  /// Of a run that trains one member of an ensemble: which one. It selects the random streams, but not the split.
  Index member = 0;
  Precision precision = Precision::float32;
};

/// The table [objective]: one stage of training.
struct ObjectiveRecipe {
  ObjectiveKind kind = ObjectiveKind::likelihood;
  Index iterations = 0, batch = 0;  ///< of Stage, as is learning_rate
  double learning_rate = 0;
  RegularizerWeights regularizers = {};
  double steer = LikelihoodOptions{}.steer;
  MatchingOptions matching = {};
  std::string target = {};
  double anneal = ReverseKlOptions{}.anneal;
};

struct Recipe {
  DataRecipe data;
  ModelRecipe model;
  /// [solver] and [trace], with train.tile; its regularizers are those of each stage.
  GradientOptions gradient = LikelihoodOptions{}.gradient;
  /// the stages in their order, one at least
  std::vector<ObjectiveRecipe> objective = std::vector<ObjectiveRecipe>(1);
  /// [train], [optimizer] and [solver.evaluation].
  TrainerOptions train;
};

/// Whether every key has the same value.
bool operator==(const Recipe& a, const Recipe& b);

/// InputError, "NAME:LINE: what", for text that is not TOML, an unknown table or key (with the nearest), a value of
/// another type or out of its range.
[[nodiscard]] Recipe parse_recipe(std::string_view toml, const std::string& name_for_errors);
[[nodiscard]] Recipe read_recipe(const std::string& path);

/// assignment: "table.key=value", as a line of TOML. A word needs no quotes, a list no brackets: "model.hidden=64,64".
/// Stage n, from 1, is objective.n; without the number the only stage is meant. InputError as parse_recipe, and the
/// recipe is then as before.
void set(Recipe& recipe, std::string_view assignment);

/// Every key with its value, as TOML; parses back to an equal recipe. InputError as check_recipe.
[[nodiscard]] std::string to_toml(const Recipe& recipe);

/// InputError, "solver.rtol = -1: must be > 0", for a value that no recipe file could have given.
void check_recipe(const Recipe& recipe);

struct RecipeKey {
  std::string key;            ///< "solver.rtol"
  std::string default_value;  ///< as TOML
  std::string range;          ///< "> 0"; "one of exact, hutchinson"; "true or false"
  std::string description;    ///< one line
};
[[nodiscard]] const std::vector<RecipeKey>& recipe_keys();  ///< in the order of to_toml

}  // namespace pathline

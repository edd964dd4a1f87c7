// A run that trains an ensemble: its members one after the other, and then the model that is their mixture.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "pathline/data/source.hpp"
#include "pathline/recipe/train_recipe.hpp"
#include "recipe/fitted_mixture.hpp"

namespace pathline {

// Trains one member in a directory of its own. source: the rows that all members share; null without data.
// estimate_time: see TrainerOptions; a member always reports its progress, which the user may not have asked for.
// base: what model.base_fit gives, or null if that is not known yet.
using TrainMember = std::function<TrainingResult(const Recipe& recipe, const TrainingOptions& options,
                                                 std::shared_ptr<const DataSource> source, bool estimate_time,
                                                 const GaussianMixture* base)>;

// What a choice of the model has found before the members are trained.
struct EnsembleStart {
  std::shared_ptr<const DataSource> source;  // null: read here, and described in a note
  std::optional<FittedMixture> yardstick;    // the best mixture; none: that of the first member, or fitted at the end
  // The recipe of a first member that is that mixture. The weights of the members are then those that are best for the
  // validation rows; otherwise they are equal.
  std::optional<Recipe> mixture = {};
};

// The directory of the run has its recipe in ensemble.toml (and that of a mixture among the members in mixture.toml),
// the runs of the members in member-1, member-2, ..., and at the end model.h5. A run that was stopped, however it was,
// continues with each member where that was. With train.time every member has an equal part of what is left, in which
// it chooses its own model with model.automatic.
template <class S> TrainingResult train_ensemble(const Recipe& recipe, const TrainingOptions& options,
                                                 const TrainMember& train, const EnsembleStart& start = {});

// The recipe of such a run; nothing if the directory holds none.
std::optional<Recipe> recipe_of_ensemble(const std::string& directory);

extern template TrainingResult train_ensemble<float>(const Recipe&, const TrainingOptions&, const TrainMember&,
                                                     const EnsembleStart&);
extern template TrainingResult train_ensemble<double>(const Recipe&, const TrainingOptions&, const TrainMember&,
                                                      const EnsembleStart&);

}  // namespace pathline

/// \file
/// The stages of training that a recipe describes, and the options of the trainer.
#pragma once

#include <optional>
#include <vector>

#include "pathline/recipe/recipe.hpp"
#include "pathline/train/trainer.hpp"

namespace pathline {

/// One stage for each objective. user: the target that objective.target = "user" means. InputError, in the recipe's
/// names, for stages that ask for more iterations than the run has and for an objective that does not fit the model.
template <class S>
[[nodiscard]] std::vector<Stage<S>> build_stages(const Recipe& recipe, const std::optional<Target>& user = {});

/// The options of the trainer, all but the directory.
[[nodiscard]] TrainerOptions trainer_options(const Recipe& recipe);

/// The iterations by which the last stage is longer than it says: there are more in train.iterations than the stages
/// ask for.
[[nodiscard]] Index beyond_stages(const Recipe& recipe);

extern template std::vector<Stage<float>> build_stages<float>(const Recipe&, const std::optional<Target>&);
extern template std::vector<Stage<double>> build_stages<double>(const Recipe&, const std::optional<Target>&);

}  // namespace pathline

/// \file
/// The data that a recipe names.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "pathline/recipe/recipe.hpp"
#include "pathline/train/training_data.hpp"

namespace pathline {

/// By recipe.data; splits and held-out draws by train.seed. InputError naming the file, row or column. With a target
/// there is no data: columns of its dimension, and no row.
TrainingData build_data(const Recipe& recipe, const std::optional<Target>& target = {});

/// The source that a recipe names: a toy, or a table's file.
std::unique_ptr<DataSource> open_source(const Recipe& recipe);

/// objective.target: find_target's, or "user". InputError if there is no such.
Target named_target(const std::string& name, const std::optional<Target>& user);
/// The target of a run without data: data.source is empty and every stage is reverse_kl to the same.
std::optional<Target> only_target(const Recipe& recipe, const std::optional<Target>& user = {});

}  // namespace pathline

/// \file
/// The data that a recipe names.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "pathline/recipe/recipe.hpp"
#include "pathline/train/training_data.hpp"

namespace pathline {

/// Makes the data of recipe.data; train.seed selects splits and held-out draws. With a target there is no data: as many
/// columns as it has dimensions, and no row. table: see open_source. InputError naming the file, row or column.
[[nodiscard]] TrainingData build_data(const Recipe& recipe, const std::optional<Target>& target = {},
                                      const TableView* table = nullptr);

/// The same with a source that open_source gave.
[[nodiscard]] TrainingData build_data(const Recipe& recipe, std::shared_ptr<const DataSource> source);

/// The source that a recipe names: a toy, or a table's file. If `table` is not null, it is the data, and data.source is
/// only what messages call it.
[[nodiscard]] std::unique_ptr<DataSource> open_source(const Recipe& recipe, const TableView* table = nullptr);

/// objective.target: find_target's, or "user". InputError if there is none.
[[nodiscard]] Target named_target(const std::string& name, const std::optional<Target>& user);
/// The target of a run without data: data.source is empty and every stage is reverse_kl to the same.
[[nodiscard]] std::optional<Target> only_target(const Recipe& recipe, const std::optional<Target>& user = {});

}  // namespace pathline

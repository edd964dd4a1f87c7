// What the data of a run are and what was found in them, said before anything is trained.
#pragma once

#include <string>

#include <fmt/format.h>

#include "pathline/recipe/train_recipe.hpp"
#include "pathline/train/training_data.hpp"
#include "recipe/in_table.hpp"

namespace pathline {

// behind: what follows the summary of the data, "; 9225 parameters".
inline void describe_data(const TrainingData& data, const std::string& behind, const TrainingOptions& options) {
  if (!options.note || !options.describe_data) return;
  if (const auto text = data.summary(); !text.empty()) options.note(fmt::format("{}: {}{}", data.name(), text, behind));
  for (const auto& text : data.notes()) options.note(with_keys(text));
}

}  // namespace pathline

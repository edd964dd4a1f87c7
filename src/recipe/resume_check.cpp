#include "recipe/resume_check.hpp"

#include <filesystem>
#include <system_error>

#include <fmt/format.h>

#include "checkpoint/size_budget.hpp"
#include "pathline/core/error.hpp"
#include "pathline/data/toy.hpp"
#include "recipe/recipe_fields.hpp"

namespace pathline {
namespace {

bool is_table(const std::string& source) { return !source.empty() && !is_toy(source); }

bool is_kept(const RecipeField& field) {
  return field.table == "data" || (field.table.starts_with("model") && field.key != "precision") ||
         field.name() == "train.seed";
}

bool is_another_place(const RecipeField& field, const Recipe& stored, const Recipe& resumed) {
  return field.name() == "data.source" && is_table(stored.data.source) && is_table(resumed.data.source);
}

}  // namespace

void check_resumed(const Recipe& stored, const Recipe& resumed) {
  for (const auto& field : recipe_fields()) {
    if (!is_kept(field) || is_another_place(field, stored, resumed)) continue;
    const RecipeValue was = field.get(stored, 0), is = field.get(resumed, 0);
    if (was != is)
      throw InputError(
          fmt::format("{} = {}: cannot change on resume (was {})", field.name(), toml_text(is), toml_text(was)));
  }
}

void check_unchanged(const Recipe& stored, const Recipe& resumed) {
  const std::string why =
      "cannot change on resume of an ensemble whose members have a time or choose their models; resume it as it was, or "
      "train a new one";
  if (stored.objective.size() != resumed.objective.size()) throw InputError("objective: " + why);
  for (std::size_t stage = 0; stage < stored.objective.size(); ++stage)
    for (const auto& field : recipe_fields())
      if (field.get(stored, stage) != field.get(resumed, stage) && !is_another_place(field, stored, resumed))
        throw InputError(fmt::format("{} = {}: {} (it was {})", field.name(), toml_text(field.get(resumed, stage)), why,
                                     toml_text(field.get(stored, stage))));
}

void check_size(const Recipe& recipe, Index dim, Index condition_dim, const std::string& file) {
  std::error_code unknown;
  const auto bytes = std::filesystem::file_size(file, unknown);
  if (unknown) return;  // to be said by whoever reads it
  SizeBudget budget(file + ": its recipe", static_cast<Index>(bytes));
  const auto& m = recipe.model;
  const auto& hidden = m.network.hidden;
  for (Index i = 0; i < m.blocks; ++i) {
    if (m.field == FieldKind::potential && !hidden.empty())
      budget.take_potential(
          "model.hidden",
          {.dim = dim, .condition_dim = condition_dim, .width = hidden.front(), .layers = std::ssize(hidden)});
    else
      budget.take_layers("model.hidden", {.dim = dim, .condition_dim = condition_dim, .hidden = hidden});
  }
  for (Index i = 0; i < m.layers.count; ++i) {
    auto coupling = m.layers.coupling;
    coupling.dim = dim, coupling.condition_dim = condition_dim;
    budget.take_coupling("model.transforms.hidden", coupling);
  }
  budget.take_base(m.base, dim, m.base_components, condition_dim);
}

}  // namespace pathline

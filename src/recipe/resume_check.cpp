#include "recipe/resume_check.hpp"

#include <fmt/format.h>

#include "pathline/core/error.hpp"
#include "pathline/data/toy.hpp"
#include "recipe/recipe_fields.hpp"

namespace pathline {
namespace {

bool is_table(const std::string& source) { return !source.empty() && !is_toy(source); }

bool is_kept(const RecipeField& field) {
  return field.table == "data" || (field.table == "model" && field.key != "precision") || field.name() == "train.seed";
}

}  // namespace

void check_resumed(const Recipe& stored, const Recipe& resumed) {
  for (const auto& field : recipe_fields()) {
    if (!is_kept(field)) continue;
    if (field.name() == "data.source" && is_table(stored.data.source) && is_table(resumed.data.source)) continue;
    const RecipeValue was = field.get(stored, 0), is = field.get(resumed, 0);
    if (was != is)
      throw InputError(
          fmt::format("{} = {}: cannot change on resume (was {})", field.name(), toml_text(is), toml_text(was)));
  }
}

}  // namespace pathline

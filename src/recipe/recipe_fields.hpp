// The table of a recipe's keys: each with its member, its range and its description. Parsing, --set, the options of the
// command line that stand for a key, writing, checks and documentation are loops over it.
#pragma once

#include <functional>
#include <limits>
#include <string>
#include <variant>
#include <vector>

#include "pathline/recipe/recipe.hpp"

namespace pathline {

using RecipeValue = std::variant<bool, Index, double, std::string, std::vector<Index>, std::vector<std::string>>;

// The range of a number, or of each number in a list, is from low to high; an open end is not allowed itself. A string
// must be one of the choices; without choices, any text is allowed.
struct RecipeRange {
  double low = -std::numeric_limits<double>::infinity(), high = std::numeric_limits<double>::infinity();
  bool low_open = false, high_open = false;
  std::vector<std::string> choices = {};
};

struct RecipeField {
  std::string table, key;  // "solver.evaluation", "rtol"
  RecipeRange range;
  std::string description;
  std::function<RecipeValue(const Recipe&, std::size_t stage)> get;
  std::function<void(Recipe&, std::size_t stage, RecipeValue)> set;  // takes the same alternative that get returns

  std::string name() const { return table + "." + key; }
  RecipeValue default_value() const { return get(Recipe{}, 0); }
};

const std::vector<RecipeField>& recipe_fields();
const RecipeField* find_field(const std::string& table, const std::string& key);  // null if there is none

// Sets a key from words that are taken as they stand, as those of a command line: any number of them for a list, else
// one. name: what an error calls the key, "--rtol". Not for a key of [objective], which has stages.
void set_words(Recipe& recipe, const RecipeField& field, const std::vector<std::string>& words,
               const std::string& name);

// Whether a value of the alternative of the field is in its range. A number that is not finite and a string that is not
// UTF-8 are never allowed.
bool is_allowed(const RecipeField& field, const RecipeValue& value);

// The range in words: "> 0", "in [0, 1)", "one of exact, hutchinson", "true or false", "text in UTF-8".
std::string range_text(const RecipeField& field);
// The same with the type, for errors: "a number > 0", "a list of integers, all >= 1".
std::string requirement_text(const RecipeField& field);

// The value as in a TOML file. A double has the fewest digits that read back as the same number.
std::string toml_text(const RecipeValue& value);
std::string toml_quoted(const std::string& text);

}  // namespace pathline

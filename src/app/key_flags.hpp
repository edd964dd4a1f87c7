// The options of a command that stand for keys of a recipe.
#pragma once

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "app/command_line.hpp"
#include "pathline/recipe/recipe.hpp"
#include "recipe/recipe_fields.hpp"

namespace pathline {

class KeyFlags {
 public:
  // Adds `option` ("--rtol") for a key ("solver.rtol"), whose entry in the table of keys gives the description, the
  // allowed values and the default. otherwise: what holds without the option where that is not the key's default. The
  // parser keeps a reference to *this.
  void add(Command command, const std::string& option, const std::string& key, const std::string& otherwise = "");

  bool given(const std::string& option) const;
  std::string text(const std::string& option) const;  // the first word of the option, or "" if it is not given
  void set(const std::string& option, const std::string& word);

  // Sets the keys of the given options in the recipe. InputError naming the option: "--rtol = -1: must be > 0".
  void apply_to(Recipe& recipe) const;

  // In worded(), `option` takes the place of `field`, which no key of a recipe stands for.
  void say(const std::string& option, const std::string& field) { said_.emplace_back(option, field); }

  // A message with the options of this command in the place of the keys and of the library's fields: "pass
  // SourceOptions.weights = w" gives "pass --weights w". A key whose value is the subject of the message ("train.seed =
  // 1: cannot change") is named so only if it was given by its option.
  std::string worded(std::string message) const;

 private:
  struct Flag {
    std::string option;
    const RecipeField* field;
    std::vector<std::string> words;  // none: not given
  };
  const Flag* find(const std::string& option) const;

  std::deque<Flag> flags_;  // a deque does not move its elements
  std::vector<std::pair<std::string, std::string>> said_;
};

}  // namespace pathline

#include "app/command_recipe.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "core/lower_case.hpp"
#include "pathline/core/error.hpp"
#include "pathline/core/nearest.hpp"
#include "recipe/option_file.hpp"

namespace pathline {
namespace {

// "--learning-rate" and SOURCE are the keys learning_rate and source.
std::string key_of(const CLI::Option& option) {
  std::string key = lower_case(option.get_single_name());
  std::replace(key.begin(), key.end(), '-', '_');
  return key;
}

}  // namespace

bool is_command_recipe(const std::string& source) { return lower_case(source).ends_with(".toml"); }

void apply_command_recipe(CLI::App& command, std::string file) {
  std::vector<std::string> keys;
  for (const auto* option : command.get_options())
    if (key_of(*option) != "help") keys.push_back(key_of(*option));
  for (const auto& [name, values, line] : read_option_file(file)) {
    const auto found = std::find(keys.begin(), keys.end(), name);
    if (found == keys.end())
      throw InputError(
          fmt::format("{}:{}: unknown key '{}'; did you mean '{}'?", file, line, name, nearest(name, keys)));
    CLI::Option* option = nullptr;
    for (auto* one : command.get_options())
      if (key_of(*one) == name) option = one;
    const bool is_source = name == "source";  // which the command line has: the recipe itself
    if (option->count() > 0 && !is_source) continue;
    try {
      option->clear();
      if (option->get_expected_max() == 0) {  // a flag
        if (values.size() != 1 || (values[0] != "true" && values[0] != "false"))
          throw InputError(fmt::format("{}:{}: {}: expected true or false", file, line, name));
        if (values[0] == "false") continue;
      }
      for (const auto& value : values) option->add_result(value);
      option->run_callback();
    } catch (const CLI::ParseError& e) {
      throw InputError(fmt::format("{}:{}: {}: {}", file, line, name, e.what()));
    }
  }
}

}  // namespace pathline

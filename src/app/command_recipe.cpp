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
std::string key_of(const CommandOption& option) {
  std::string key = lower_case(option.name());
  std::replace(key.begin(), key.end(), '-', '_');
  return key;
}

}  // namespace

bool is_command_recipe(const std::string& source) { return lower_case(source).ends_with(".toml"); }

void apply_command_recipe(Command command, std::string file) {
  const auto options = command.options();
  std::vector<std::string> keys;
  for (const auto& option : options) keys.push_back(key_of(option));
  for (const auto& [name, values, line] : read_option_file(file)) {
    const auto found = std::find(keys.begin(), keys.end(), name);
    if (found == keys.end())
      throw InputError(
          fmt::format("{}:{}: unknown key '{}'; did you mean '{}'?", file, line, name, nearest(name, keys)));
    const CommandOption& option = options[static_cast<std::size_t>(found - keys.begin())];
    const bool is_source = name == "source";  // given on the command line: it is the recipe itself
    if (option.given() && !is_source) continue;
    if (option.is_flag() && values != std::vector<std::string>{"true"} && values != std::vector<std::string>{"false"})
      throw InputError(fmt::format("{}:{}: {}: expected true or false", file, line, name));
    if (option.is_flag() && values[0] == "false") continue;
    try {
      option.set(values);
    } catch (const InputError& e) {
      throw InputError(fmt::format("{}:{}: {}: {}", file, line, name, e.what()));
    }
  }
}

}  // namespace pathline

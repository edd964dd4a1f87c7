#include "recipe/in_table.hpp"

#include <algorithm>
#include <utility>

#include "recipe/recipe_fields.hpp"

namespace pathline {
namespace {

// The structs whose fields the library's advice names, and the table of their keys, which have the same names.
constexpr std::pair<const char*, const char*> kTableOf[] = {
    {"SourceOptions.", "data"},
    {"SplitOptions.", "data"},
    {"SolverOptions.", "solver"},
    {"TableOptions.", "data"},
    {"TrainingDataOptions.", "data"}};

std::size_t end_of_name(const std::string& text, std::size_t begin) {
  return std::min(text.find_first_not_of("abcdefghijklmnopqrstuvwxyz_", begin), text.size());
}

}  // namespace

std::string with_keys(std::string message) {
  for (const auto& [name, table] : kTableOf) {
    const std::string prefix = name;
    for (auto at = message.find(prefix); at != std::string::npos; at = message.find(prefix, at + 1)) {
      const auto begin = at + prefix.size();
      const auto* field = find_field(table, message.substr(begin, end_of_name(message, begin) - begin));
      if (field) message.replace(at, end_of_name(message, begin) - at, field->name());
    }
  }
  return message;
}

std::string named_in_table(const std::string& table, const std::string& message) {
  const bool key = find_field(table, message.substr(0, message.find_first_of(" :="))) != nullptr;
  return with_keys(key ? table + "." + message : message);
}

}  // namespace pathline

#include "recipe/in_table.hpp"

#include "recipe/recipe_fields.hpp"

namespace pathline {

std::string named_in_table(const std::string& table, const std::string& message) {
  const std::string word = message.substr(0, message.find_first_of(" :="));
  for (const auto& field : recipe_fields())
    if (field.table == table && field.key == word) return table + "." + message;
  return message;
}

}  // namespace pathline

#include "pathline/recipe/recipe.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <sstream>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "pathline/core/error.hpp"
#include "pathline/core/nearest.hpp"
#include "recipe/recipe_fields.hpp"
#include "recipe/toml_file.hpp"

namespace pathline {
namespace {

std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r' || c == '\t'; }, ' ');
  return text;
}

std::string trimmed(std::string_view text) {
  const auto from = text.find_first_not_of(" \t\r\n");
  if (from == std::string_view::npos) return "";
  return std::string(text.substr(from, text.find_last_not_of(" \t\r\n") - from + 1));
}

std::string node_text(const toml::node& node) {
  if (node.is_table()) return "a table";
  if (const auto* text = node.as_string()) return toml_quoted(text->get());
  std::ostringstream out;
  out << toml::default_formatter(node);
  return one_line(out.str());
}

const std::vector<std::string>& table_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> list;
    for (const auto& field : recipe_fields())
      if (list.empty() || list.back() != field.table) list.push_back(field.table);
    return list;
  }();
  return names;
}

bool is_table_name(const std::string& name) {
  return std::find(table_names().begin(), table_names().end(), name) != table_names().end();
}

// The full name of the key that was probably meant: one with the same last word in another table, or the nearest.
std::string suggested_key(const std::string& table, const std::string& key) {
  std::vector<std::string> all, same, last_words;
  for (const auto& field : recipe_fields()) {
    all.push_back(field.name());
    last_words.push_back(field.key);
    if (field.key == key) same.push_back(field.name());
  }
  if (!same.empty()) return nearest(table + "." + key, same);
  if (!table.empty()) return nearest(table + "." + key, all);
  const auto& word = nearest(key, last_words);
  return all[static_cast<std::size_t>(std::find(last_words.begin(), last_words.end(), word) - last_words.begin())];
}

[[noreturn]] void fail_unknown_key(const std::string& where, const std::string& table, const std::string& key) {
  const std::string name = table.empty() ? key : table + "." + key;
  throw InputError(
      fmt::format("{}unknown key '{}'; did you mean '{}'?", where, one_line(name), suggested_key(table, key)));
}

[[noreturn]] void fail_value(const std::string& where, const RecipeField& field, const std::string& name,
                             const std::string& found, bool right_type) {
  std::string must = right_type ? range_text(field) : requirement_text(field);
  if (!field.range.choices.empty()) {
    std::string word = found;
    std::erase(word, '"');
    must += fmt::format(" (nearest: {})", nearest(word, field.range.choices));
  }
  throw InputError(fmt::format("{}{} = {}: must be {}", where, name, one_line(found), must));
}

std::optional<Index> as_index(const toml::node& node) {
  if (const auto* integer = node.as_integer()) return static_cast<Index>(integer->get());
  // In TOML, 1e4 is a floating-point number. Whole numbers up to 2^53 are exact.
  if (const auto* number = node.as_floating_point())
    if (const double x = number->get(); std::abs(x) <= 9007199254740992.0 && x == std::floor(x))
      return static_cast<Index>(x);
  return std::nullopt;
}

std::optional<double> as_double(const toml::node& node) {
  if (const auto* number = node.as_floating_point()) return number->get();
  if (const auto* integer = node.as_integer()) return static_cast<double>(integer->get());
  return std::nullopt;
}

std::optional<std::string> as_text(const toml::node& node) { return node.value_exact<std::string>(); }

template <class T, class F> std::optional<RecipeValue> as_list(const toml::node& node, F as_item) {
  if (!node.is_array()) return std::nullopt;
  std::vector<T> list;
  for (const auto& item : *node.as_array()) {
    const auto value = as_item(item);
    if (!value) return std::nullopt;
    list.push_back(*value);
  }
  return list;
}

// The node as a value of the same type as `like`; nothing if it has another type.
std::optional<RecipeValue> as_value(const toml::node& node, const RecipeValue& like) {
  const auto wrap = [](const auto& value) { return value ? std::optional<RecipeValue>(*value) : std::nullopt; };
  if (std::holds_alternative<bool>(like)) return wrap(node.value_exact<bool>());
  if (std::holds_alternative<Index>(like)) return wrap(as_index(node));
  if (std::holds_alternative<double>(like)) return wrap(as_double(node));
  if (std::holds_alternative<std::string>(like)) return wrap(as_text(node));
  if (std::holds_alternative<std::vector<Index>>(like)) return as_list<Index>(node, as_index);
  return as_list<std::string>(node, as_text);
}

// where: "models/x.toml:12: ", or empty. name: the name of the key, where stages are counted from 1.
void set_field(Recipe& recipe, std::size_t stage, const RecipeField& field, const toml::node& node,
               const std::string& where, const std::string& name) {
  auto value = as_value(node, field.default_value());
  if (!value || !is_allowed(field, *value)) fail_value(where, field, name, node_text(node), value.has_value());
  field.set(recipe, stage, *std::move(value));
}

// Fills a recipe from a parsed file.
class Reader {
 public:
  explicit Reader(std::string file) : file_(std::move(file)) {}

  Recipe read(const toml::table& root) {
    for (const auto& [key, node] : root) {
      const std::string name(key.str());
      if (!is_table_name(name)) {
        if (node.is_table() || node.is_array_of_tables())
          throw InputError(fmt::format("{}unknown table '{}'; did you mean '{}'?", where(node), one_line(name),
                                       nearest(name, table_names())));
        fail_unknown_key(where(node), "", name);
      }
      if (name == "objective" && node.is_array())
        read_stages(*node.as_array());
      else
        read_table(node, name, name, 0);
    }
    return std::move(recipe_);
  }

 private:
  std::string where(const toml::node& node) const { return fmt::format("{}:{}: ", file_, node.source().begin.line); }

  void read_stages(const toml::array& stages) {
    if (stages.empty()) throw InputError(where(stages) + "objective = []: must have at least one stage");
    recipe_.objective.resize(stages.size());
    for (std::size_t i = 0; i < stages.size(); ++i)
      read_table(*stages.get(i), "objective", fmt::format("objective.{}", i + 1), i);
  }

  // shown: the name of the table, where stages are counted from 1.
  void read_table(const toml::node& node, const std::string& table, const std::string& shown, std::size_t stage) {
    if (!node.is_table())
      throw InputError(fmt::format("{}{} = {}: must be a table", where(node), shown, node_text(node)));
    for (const auto& [key, value] : *node.as_table()) {
      const std::string name(key.str());
      if (is_table_name(table + "." + name))
        read_table(value, table + "." + name, shown + "." + name, stage);
      else if (const RecipeField* field = find_field(table, name))
        set_field(recipe_, stage, *field, value, where(value), shown + "." + name);
      else
        fail_unknown_key(where(value), table, name);
    }
  }

  std::string file_;
  Recipe recipe_;
};

// .5 and 5. are numbers in C++ and Python, but not in TOML.
std::string with_digits_around_the_point(const std::string& text) {
  double x = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), x);
  const bool number = error == std::errc() && end == text.data() + text.size();
  return number && text.find('.') != std::string::npos ? toml_text(x) : text;
}

// The value of an assignment as TOML, with quotes for words and brackets for lists.
std::string assigned_text(const RecipeField& field, const std::string& value) {
  const RecipeValue like = field.default_value();
  if (std::holds_alternative<double>(like)) return with_digits_around_the_point(value);
  const bool quoted = !value.empty() && (value[0] == '"' || value[0] == '\'');
  if (std::holds_alternative<std::string>(like)) return quoted ? value : toml_quoted(value);
  const bool is_list = !value.empty() && value[0] == '[';
  if (std::holds_alternative<std::vector<Index>>(like)) return is_list ? value : "[" + value + "]";
  if (!std::holds_alternative<std::vector<std::string>>(like)) return value;

  if (value.find_first_of("\"'") != std::string::npos) return is_list ? value : "[" + value + "]";
  std::istringstream items(is_list ? value.substr(1, value.find_last_not_of(']')) : value);
  std::string list;
  for (std::string item; std::getline(items, item, ',');)
    if (!trimmed(item).empty()) list += (list.empty() ? "" : ", ") + toml_quoted(trimmed(item));
  return "[" + list + "]";
}

// name: the name of the key in an error.
void set_assigned(Recipe& recipe, std::size_t stage, const RecipeField& field, const std::string& value,
                  const std::string& name) {
  toml::table parsed;
  try {
    parsed = toml::parse("value = " + assigned_text(field, value));
  } catch (const toml::parse_error&) {
    fail_value("", field, name, value, false);
  }
  if (parsed.size() != 1) fail_value("", field, name, value, false);  // a line break followed by another assignment
  set_field(recipe, stage, field, *parsed.get("value"), "", name);
}

// "objective.2" -> "objective", with stage = 1. Other tables are left alone.
std::string without_stage(const Recipe& recipe, const std::string& table, const std::string& name, std::size_t& stage) {
  const std::size_t count = recipe.objective.size();
  const std::string number = table.rfind("objective.", 0) == 0 ? table.substr(10) : "";
  if (number.empty() || number.find_first_not_of("0123456789") != std::string::npos) {
    if (table == "objective" && count != 1)
      throw InputError(fmt::format("{}: ambiguous, because the recipe has {} stages; use objective.1 to objective.{}",
                                   name, count, count));
    return table;
  }
  stage = number.size() < 4 ? std::stoul(number) - 1 : count;  // stage 0 wraps around and is then too large
  if (stage >= count) throw InputError(fmt::format("{}: stages are counted from 1; the recipe has {}", name, count));
  return "objective";
}

}  // namespace

std::string to_string(ObjectiveKind kind) { return objective_names()[static_cast<std::size_t>(kind)]; }

bool operator==(const Recipe& a, const Recipe& b) {
  if (a.objective.size() != b.objective.size()) return false;
  for (std::size_t stage = 0; stage < a.objective.size(); ++stage)
    for (const auto& field : recipe_fields())
      if (field.get(a, stage) != field.get(b, stage)) return false;
  return true;
}

Recipe parse_recipe(std::string_view text, const std::string& name_for_errors) {
  return Reader(name_for_errors).read(parse_toml(text, name_for_errors));
}

Recipe read_recipe(const std::string& path) { return parse_recipe(read_toml(path), path); }

void set(Recipe& recipe, std::string_view assignment) {
  const auto equals = assignment.find('=');
  const std::string name = trimmed(assignment.substr(0, equals));
  if (equals == std::string_view::npos || name.empty())
    throw InputError(fmt::format("'{}': must be table.key=value", one_line(std::string(assignment))));
  const auto dot = name.rfind('.');
  std::string table = dot == std::string::npos ? "" : name.substr(0, dot);
  const std::string key = dot == std::string::npos ? name : name.substr(dot + 1);
  std::size_t stage = 0;
  table = without_stage(recipe, table, name, stage);
  const RecipeField* field = find_field(table, key);
  if (!field) fail_unknown_key("", table, key);
  set_assigned(recipe, stage, *field, trimmed(assignment.substr(equals + 1)), name);
}

void set_words(Recipe& recipe, const RecipeField& field, const std::vector<std::string>& words,
               const std::string& name) {
  RecipeValue value = field.default_value();
  if (std::holds_alternative<std::string>(value))
    value = words.at(0);
  else if (std::holds_alternative<std::vector<std::string>>(value))
    value = words;
  else
    return set_assigned(recipe, 0, field, fmt::format("{}", fmt::join(words, ",")), name);
  if (!is_allowed(field, value)) fail_value("", field, name, fmt::format("{}", fmt::join(words, ",")), true);
  field.set(recipe, 0, std::move(value));
}

void check_recipe(const Recipe& recipe) {
  if (recipe.objective.empty()) throw InputError("objective = []: must have at least one stage");
  for (const auto& field : recipe_fields()) {
    const bool staged = field.table == "objective" && recipe.objective.size() > 1;
    for (std::size_t stage = 0; stage < (staged ? recipe.objective.size() : 1); ++stage) {
      const RecipeValue value = field.get(recipe, stage);
      const std::string name = staged ? fmt::format("objective.{}.{}", stage + 1, field.key) : field.name();
      if (!is_allowed(field, value)) fail_value("", field, name, toml_text(value), true);
    }
  }
}

std::string to_toml(const Recipe& recipe) {
  check_recipe(recipe);
  std::string out;
  for (const auto& table : table_names()) {
    const bool staged = table == "objective";
    for (std::size_t stage = 0; stage < (staged ? recipe.objective.size() : 1); ++stage) {
      out += fmt::format("{}{}{}{}\n", out.empty() ? "" : "\n", staged ? "[[" : "[", table, staged ? "]]" : "]");
      for (const auto& field : recipe_fields())
        if (field.table == table) out += fmt::format("{} = {}\n", field.key, toml_text(field.get(recipe, stage)));
    }
  }
  return out;
}

const std::vector<RecipeKey>& recipe_keys() {
  static const std::vector<RecipeKey> keys = [] {
    std::vector<RecipeKey> list;
    for (const auto& field : recipe_fields())
      list.push_back({field.name(), toml_text(field.default_value()), range_text(field), field.description});
    return list;
  }();
  return keys;
}

}  // namespace pathline

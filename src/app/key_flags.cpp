#include "app/key_flags.hpp"

#include <cassert>
#include <cctype>

#include "recipe/in_table.hpp"

namespace pathline {
namespace {

const RecipeField& field_of(const std::string& key) {
  const auto dot = key.rfind('.');
  const auto* field = find_field(key.substr(0, dot), key.substr(dot + 1));
  assert(field);
  return *field;
}

// The description of a key in the table of keys: "number of equal steps; 0 = adaptive steps; >= 0".
std::string key_help(const RecipeField& field, const std::string& otherwise) {
  const RecipeValue value = field.default_value();
  const bool bounded = std::holds_alternative<Index>(value) || std::holds_alternative<double>(value);
  const bool limited = bounded || !field.range.choices.empty();
  return field.description + (limited ? "; " + range_text(field) : "") +
         (otherwise.empty() ? "" : "; default: " + otherwise);
}

// The default as a user would write it; "" if there is none to show.
std::string shown_default(const RecipeValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  return std::holds_alternative<Index>(value) || std::holds_alternative<double>(value) ? toml_text(value) : "";
}

bool is_word(const std::string& text, std::size_t at) {
  return at < text.size() && (std::isalnum(static_cast<unsigned char>(text[at])) || text[at] == '_');
}

// Whether text[begin, end) is a whole name: not a part of a longer one, as data.test of data.test_size, and not in
// quotation marks, as the suggestion for a misspelt key.
bool stands_alone(const std::string& text, std::size_t begin, std::size_t end) {
  const bool before = begin > 0 && (is_word(text, begin - 1) || text[begin - 1] == '.' || text[begin - 1] == '\'');
  const bool after = is_word(text, end) || (end < text.size() && text[end] == '.' && is_word(text, end + 1));
  return !before && !after;
}

}  // namespace

void KeyFlags::add(Command command, const std::string& option, const std::string& key, const std::string& otherwise) {
  const RecipeField& field = field_of(key);
  auto* words = &flags_.emplace_back(Flag{option, &field, {}}).words;
  const std::string help = key_help(field, otherwise);
  const RecipeValue value = field.default_value();
  if (std::holds_alternative<bool>(value)) {
    command.add_flag(
        option, [words] { *words = {"true"}; }, help);
    return;
  }
  if (std::holds_alternative<std::vector<std::string>>(value)) {
    command
        .add_words(
            option, [words](const std::vector<std::string>& given) { *words = given; }, help)
        .delimiter(',');
    return;
  }
  const auto added = command.add_word(
      option, [words](const std::string& given) { *words = {given}; }, help);
  if (std::holds_alternative<Index>(value)) added.type_name("INT");
  if (std::holds_alternative<double>(value)) added.type_name("FLOAT");
  if (!field.range.choices.empty()) added.choices(field.range.choices);
  if (otherwise.empty() && !shown_default(value).empty()) added.show_default(shown_default(value));
}

const KeyFlags::Flag* KeyFlags::find(const std::string& option) const {
  for (const auto& flag : flags_)
    if (flag.option == option) return &flag;
  return nullptr;
}

bool KeyFlags::given(const std::string& option) const {
  const auto* flag = find(option);
  return flag && !flag->words.empty();
}

std::string KeyFlags::text(const std::string& option) const { return given(option) ? find(option)->words[0] : ""; }

void KeyFlags::set(const std::string& option, const std::string& word) {
  for (auto& flag : flags_)
    if (flag.option == option) flag.words = {word};
}

void KeyFlags::apply_to(Recipe& recipe) const {
  for (const auto& flag : flags_)
    if (!flag.words.empty()) set_words(recipe, *flag.field, flag.words, flag.option);
}

std::string KeyFlags::worded(std::string message) const {
  message = with_keys(std::move(message));
  const auto replace = [&message](const std::string& name, const std::string& option, bool given) {
    for (auto at = message.find(name); at != std::string::npos; at = message.find(name, at + 1)) {
      const auto end = at + name.size();
      const bool subject = at == 0 || (at >= 2 && message.compare(at - 2, 2, ": ") == 0);
      if (!stands_alone(message, at, end) || (subject && !given)) continue;
      const bool assigned = !subject && message.compare(end, 3, " = ") == 0;
      message.replace(at, name.size() + (assigned ? 3 : 0), option + (assigned ? " " : ""));
      at += option.size() - 1;  // the option may contain the name
    }
  };
  for (const auto& flag : flags_) replace(flag.field->name(), flag.option, !flag.words.empty());
  for (const auto& [option, field] : said_) replace(field, option, true);
  return message;
}

}  // namespace pathline

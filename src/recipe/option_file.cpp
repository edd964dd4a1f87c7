#include "recipe/option_file.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "pathline/core/error.hpp"
#include "recipe/toml_file.hpp"

namespace pathline {
namespace {

[[noreturn]] void refuse(const std::string& file, const toml::source_region& at, const std::string& what) {
  throw InputError(fmt::format("{}:{}: {}", file, at.begin.line, what));
}

std::string text_of(const std::string& file, const std::string& key, const toml::node& node) {
  if (const auto* v = node.as_string()) return v->get();
  if (const auto* v = node.as_integer()) return fmt::format("{}", v->get());
  if (const auto* v = node.as_floating_point()) return fmt::format("{}", v->get());
  if (const auto* v = node.as_boolean()) return v->get() ? "true" : "false";
  refuse(file, node.source(), fmt::format("{}: expected a number, true, false, a string or an array of these", key));
}

}  // namespace

std::vector<FileOption> read_option_file(const std::string& file) {
  const toml::table table = parse_toml(read_toml(file), file);
  std::vector<FileOption> out;
  for (const auto& [key, node] : table) {
    FileOption option{.name = std::string(key.str()), .values = {}, .line = static_cast<int>(node.source().begin.line)};
    if (const auto* list = node.as_array()) {
      for (const auto& element : *list) option.values.push_back(text_of(file, option.name, element));
    } else {
      option.values.push_back(text_of(file, option.name, node));
    }
    out.push_back(std::move(option));
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.line < b.line; });
  return out;
}

}  // namespace pathline

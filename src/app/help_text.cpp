#include "app/help_text.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/ranges.h>

namespace pathline {
namespace {

constexpr std::size_t kIndent = 2, kColumnGap = 2, kWidestName = 24;

// The text in lines, broken at spaces. The first begins at the character `at`, the others at `indent`.
std::string wrapped(const std::string& text, std::size_t at, std::size_t indent) {
  std::string out;
  bool first = true;  // word of a line
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find(' ', begin), text.size());
    const std::string word = text.substr(begin, end - begin);
    begin = end + 1;
    if (!first && at + 1 + word.size() > kHelpWidth) out += "\n" + std::string(indent, ' '), at = indent, first = true;
    out += (first ? "" : " ") + word, at += word.size() + (first ? 0 : 1), first = false;
  }
  return out;
}

// Examples, which are indented, stay lines; the lines of a paragraph are wrapped as one.
std::string footer_text(const std::string& footer) {
  std::string out, paragraph;
  const auto end_paragraph = [&] {
    if (!paragraph.empty()) out += wrapped(paragraph, 0, 0) + "\n";
    paragraph.clear();
  };
  for (std::size_t begin = 0; begin < footer.size();) {
    const std::size_t end = std::min(footer.find('\n', begin), footer.size());
    const std::string line = footer.substr(begin, end - begin);
    begin = end + 1;
    if (line.starts_with("  ") || line == "Examples:") {
      end_paragraph();
      out += line + "\n";
    } else {
      paragraph += (paragraph.empty() ? "" : " ") + line;
    }
  }
  end_paragraph();
  return out;
}

struct Group {
  std::string name;                                          // "Solver"
  std::vector<std::pair<std::string, std::string>> entries;  // "-o,--output FILE" and its description
};

std::string entry_name(const OptionText& option) {
  const auto names = fmt::format("{}", fmt::join(option.names, ","));
  return option.value.empty() ? names : names + " " + option.value;
}

std::string entry_text(const OptionText& option) {
  return option.default_value.empty() ? option.help : option.help + " (" + option.default_value + ")";
}

std::string usage_of(const CommandText& command, const std::string& path) {
  std::string out = path;
  for (const auto& option : command.options)
    if (option.required)
      out += " " + entry_name(option);
    else if (option.by_place)
      out += " [" + entry_name(option) + "]";
  return out + (command.commands.empty() ? " [OPTIONS]" : " COMMAND [OPTIONS]");
}

// The commands come first, and within its group the help itself last.
std::vector<Group> groups_of(const CommandText& command) {
  std::vector<Group> out;
  if (!command.commands.empty()) out.push_back({"Commands", {}});
  for (const auto& below : command.commands) out[0].entries.emplace_back(below.name, below.description);
  for (const auto& option : command.options) {
    auto group = std::find_if(out.begin(), out.end(), [&](const Group& g) { return g.name == option.group; });
    if (group == out.end()) group = out.insert(out.end(), {option.group, {}});
    group->entries.emplace_back(entry_name(option), entry_text(option));
  }
  for (auto& group : out)
    std::stable_partition(group.entries.begin(), group.entries.end(),
                          [](const auto& entry) { return !entry.first.starts_with("-h,"); });
  return out;
}

}  // namespace

std::string help_text(const CommandText& command, const std::string& path) {
  const auto groups = groups_of(command);
  std::size_t widest = 0;
  for (const auto& group : groups)
    for (const auto& [name, text] : group.entries)
      if (name.size() <= kWidestName) widest = std::max(widest, name.size());
  const std::size_t column = kIndent + widest + kColumnGap;
  std::string out =
      wrapped(command.description, 0, 0) + "\nUsage: " + wrapped(usage_of(command, path), 7, 7) + "\n";
  for (const auto& group : groups) {
    out += group.name + ":\n";
    for (const auto& [name, text] : group.entries) {
      std::string line = std::string(kIndent, ' ') + name;
      line += std::string(line.size() + kColumnGap <= column ? column - line.size() : kColumnGap, ' ');
      out += line + wrapped(text, line.size(), column) + "\n";
    }
  }
  return out + footer_text(command.footer);
}

}  // namespace pathline

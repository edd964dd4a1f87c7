#include "app/help_text.hpp"

#include <algorithm>

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

}  // namespace

std::string text_of(const Help& help) {
  std::size_t widest = 0;
  for (const auto& group : help.groups)
    for (const auto& [name, text] : group.entries)
      if (name.size() <= kWidestName) widest = std::max(widest, name.size());
  const std::size_t column = kIndent + widest + kColumnGap;
  std::string out = wrapped(help.description, 0, 0) + "\nUsage: " + wrapped(help.usage, 7, 7) + "\n";
  for (const auto& group : help.groups) {
    if (group.entries.empty()) continue;
    out += group.name + ":\n";
    for (const auto& [name, text] : group.entries) {
      std::string line = std::string(kIndent, ' ') + name;
      line += std::string(line.size() + kColumnGap <= column ? column - line.size() : kColumnGap, ' ');
      out += line + wrapped(text, line.size(), column) + "\n";
    }
  }
  for (std::size_t begin = 0; begin < help.footer.size();) {
    const std::size_t end = std::min(help.footer.find('\n', begin), help.footer.size());
    const std::string line = help.footer.substr(begin, end - begin);
    out += (line.starts_with("  ") ? line : wrapped(line, 0, 0)) + "\n";  // an example stays one line
    begin = end + 1;
  }
  return out;
}

}  // namespace pathline

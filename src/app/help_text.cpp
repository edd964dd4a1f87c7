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
  return out + footer_text(help.footer);
}

}  // namespace pathline

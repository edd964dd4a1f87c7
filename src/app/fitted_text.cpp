#include "app/fitted_text.hpp"

#include <algorithm>

#include "core/printable.hpp"
#include "core/utf8.hpp"

namespace pathline::plot {
namespace {

std::vector<std::string> characters_of(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size(); at += out.back().size())
    out.push_back(text.substr(at, std::max<std::size_t>(first_character(std::string_view(text).substr(at)).bytes, 1)));
  return out;
}

}  // namespace

std::string fitted(const std::string& given, const TextStyle& style, double width) {
  const std::string text = printable(given);
  if (text_width(text, style) <= width) return text;
  const auto all = characters_of(text);
  // Finds the longest text that fits, by bisection over the number of characters that remain.
  const auto cut = [&](std::size_t keep) {
    std::string out;
    for (std::size_t i = 0; i < (keep + 1) / 2; ++i) out += all[i];
    out += "…";
    for (std::size_t i = all.size() - keep / 2; i < all.size(); ++i) out += all[i];
    return out;
  };
  std::size_t low = 1, high = all.size() - 1;
  while (low < high) {
    const std::size_t middle = (low + high + 1) / 2;
    if (text_width(cut(middle), style) <= width)
      low = middle;
    else
      high = middle - 1;
  }
  return cut(low);
}

std::vector<std::string> wrapped(const std::string& text, const TextStyle& style, double width) {
  std::vector<std::string> lines;
  std::string line;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    const std::string word = text.substr(at, end - at);
    at = end + 1;
    if (!line.empty() && text_width(line + " " + word, style) > width)
      lines.push_back(fitted(line, style, width)), line = word;
    else
      line += (line.empty() ? "" : " ") + word;
  }
  if (!line.empty()) lines.push_back(fitted(line, style, width));
  return lines;
}

}  // namespace pathline::plot

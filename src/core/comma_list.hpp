// Lists in one argument.
#pragma once

#include <string>
#include <vector>

namespace pathline {

// "a,,b" as "a", "" and "b"; "" as one empty item.
inline std::vector<std::string> split_commas(const std::string& text) {
  std::vector<std::string> items(1);
  for (const char c : text) {
    if (c == ',')
      items.emplace_back();
    else
      items.back() += c;
  }
  return items;
}

}  // namespace pathline

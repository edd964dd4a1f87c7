// The help of a command, on one screen.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace pathline {

inline constexpr std::size_t kHelpWidth = 100;  // characters

struct HelpGroup {
  std::string name;                                          // "Solver"
  std::vector<std::pair<std::string, std::string>> entries;  // "-o,--output FILE" and what it is
};

struct Help {
  std::string usage, description;
  std::vector<HelpGroup> groups;
  std::string footer;  // examples
};

// Lines of at most kHelpWidth characters.
std::string text_of(const Help& help);

}  // namespace pathline

#include "core/toml_text.hpp"

#include <fmt/format.h>

#include "pathline/core/error.hpp"
#include "pathline/core/types.hpp"

namespace pathline {

// toml++ 3.3 recurses for each dotted part of a key, so that a.a.a. ... with 100,000 parts overflows the stack. Keys of
// a recipe have at most three parts.
void check_toml_text(std::string_view text, const std::string& name) {
  constexpr int kMostDots = 32;
  if (text.size() > kMostTomlBytes)
    throw InputError(fmt::format("{}: more than {} bytes: expected a recipe", name, kMostTomlBytes));
  int dots = 0;
  Index line = 1;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') ++line;
    if (std::string_view("=,[]{}\n").find(text[i]) != std::string_view::npos) dots = 0;
    if (text[i] == '.' && text.substr(i + 1, 1) != "." && ++dots > kMostDots)
      throw InputError(fmt::format("{}:{}: more than {} dots in one key or value", name, line, kMostDots));
  }
}

}  // namespace pathline

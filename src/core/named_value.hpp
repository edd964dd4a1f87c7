// The values of an enumeration by their names: value i is called names[i].
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "pathline/core/error.hpp"

namespace pathline {

// "stepper 'dopri6': must be one of dopri5, euler, ..." for an unknown name.
template <class Enum>
Enum parse_named(std::string_view what, const std::string& name, const std::vector<std::string>& names) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end())
    throw InputError(fmt::format("{} '{}': must be one of {}", what, name, fmt::join(names, ", ")));
  return static_cast<Enum>(found - names.begin());
}

}  // namespace pathline

// A name among others, such as a column's among those of a table.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "pathline/core/types.hpp"

namespace pathline {

// The index of the first occurrence of a name, or the number of names if it does not occur.
inline Index place_of(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) - names.begin();
}

inline bool contains(const std::vector<std::string>& names, const std::string& name) {
  return place_of(names, name) < std::ssize(names);
}

}  // namespace pathline

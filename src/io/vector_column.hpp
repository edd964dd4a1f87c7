// The names of the columns that a vector in a record makes.
#pragma once

#include <string>

#include "pathline/core/types.hpp"

namespace pathline {

// "spin_0", "spin_1", ...: of the element of a field that is a vector.
inline std::string vector_column(const std::string& field, Index element) {
  return field + "_" + std::to_string(element);
}

}  // namespace pathline

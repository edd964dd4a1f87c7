/// \file
/// How a part of a model describes itself: names with values, for files and for people.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "pathline/core/types.hpp"

namespace pathline {

using AttributeValue = std::variant<bool, std::int64_t, double, std::string, std::vector<std::int64_t>, Vector<double>>;

/// Named values in the order in which they are written and shown. A Vector<double> is stored as an array, the others as
/// attributes.
using Attributes = std::vector<std::pair<std::string, AttributeValue>>;

/// Returns the value with this name, or null if there is none of type T.
template <class T> [[nodiscard]] const T* find_attribute(const Attributes& attributes, std::string_view name) {
  for (const auto& [key, value] : attributes)
    if (key == name) return std::get_if<T>(&value);
  return nullptr;
}

}  // namespace pathline

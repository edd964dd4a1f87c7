/// What a part of a model says of itself: names with values, for files and for people.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "pathline/core/types.hpp"

namespace pathline {

using AttributeValue = std::variant<bool, std::int64_t, double, std::string, std::vector<std::int64_t>, Vector<double>>;

/// Named values in the order in which they are written and shown. A Vector<double> is stored as an array, the others as
/// attributes.
using Attributes = std::vector<std::pair<std::string, AttributeValue>>;

}  // namespace pathline

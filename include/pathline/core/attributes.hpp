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

/// In the order in which they are written and shown. A Vector<double> is an array of the file, the rest are attributes.
using Attributes = std::vector<std::pair<std::string, AttributeValue>>;

}  // namespace pathline

/// \file
/// Suggestions for a misspelt name.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace pathline {

/// The Levenshtein distance: the smallest number of insertions, deletions and replacements that turn a into b.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

/// Returns the known name with the smallest edit distance from `name`; the first one if several are equally near.
/// known: at least one name.
[[nodiscard]] const std::string& nearest(std::string_view name, const std::vector<std::string>& known);

}  // namespace pathline

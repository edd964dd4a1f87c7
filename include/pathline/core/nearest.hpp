// The known name that a misspelt one was perhaps meant to be.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace pathline {

// Levenshtein's distance: insertions, deletions and replacements from a to b.
std::size_t edit_distance(std::string_view a, std::string_view b);

// The first of the known names (one at least) at the smallest edit distance from name.
const std::string& nearest(std::string_view name, const std::vector<std::string>& known);

}  // namespace pathline

/// \file
/// Suggestions for a misspelt name.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace pathline {

/// The smallest number of insertions, deletions, replacements and exchanges of two neighbours that turn a into b, if no
/// part is changed twice (optimal string alignment).
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

/// Returns the known name with the smallest edit distance from `name`; the first one if several are equally near.
/// known: at least one name.
[[nodiscard]] const std::string& nearest(std::string_view name, const std::vector<std::string>& known);

/// "; did you mean 'columns'?" for a known name that begins with `name` or is near to it, or "" if there is none: at
/// most a third of the letters may differ, or one, but not all.
[[nodiscard]] std::string did_you_mean(const std::string& name, const std::vector<std::string>& known);

/// did_you_mean(name, columns), or else "; its columns are mass, spin", of a table without a column of this name.
[[nodiscard]] std::string did_you_mean_column(const std::string& name, const std::vector<std::string>& columns);

}  // namespace pathline

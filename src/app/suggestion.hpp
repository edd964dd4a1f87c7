// Suggests the known name nearest to a misspelt one.
#pragma once

#include <string>
#include <vector>

namespace pathline {

// "; did you mean 'columns'?" for the nearest known name, or "" if none is near: a third of the letters may differ, one
// at least.
std::string did_you_mean(const std::string& name, const std::vector<std::string>& known);

}  // namespace pathline

#include "app/suggestion.hpp"

#include <algorithm>

#include "pathline/core/nearest.hpp"

namespace pathline {

std::string did_you_mean(const std::string& name, const std::vector<std::string>& known) {
  if (known.empty()) return "";
  const auto begins = std::find_if(known.begin(), known.end(),
                                   [&](const std::string& k) { return name.size() >= 2 && k.starts_with(name); });
  if (begins != known.end()) return "; did you mean '" + *begins + "'?";
  const auto& best = nearest(name, known);
  const auto letters = std::max(name.size(), best.size());
  return edit_distance(name, best) <= std::max<std::size_t>(1, letters / 3) ? "; did you mean '" + best + "'?" : "";
}

}  // namespace pathline

// Limits of a TOML text of unknown origin, which are checked before it is parsed.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace pathline {

inline constexpr std::size_t kMostTomlBytes = 1 << 20;

// InputError "NAME: more than ..." or "NAME:LINE: ..." for text that is longer than that, or whose keys are nested so
// deeply that the parser would overflow the stack.
void check_toml_text(std::string_view text, const std::string& name);

}  // namespace pathline

// Text in UTF-8.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace pathline {

// One character: its code and how many bytes it takes.
struct Utf8Character {
  std::uint32_t code = 0;
  std::size_t bytes = 0;  // 0: not UTF-8
};

// The first character of a text that is not empty. RFC 3629: no stray continuation, no longer form than needed, no
// surrogate, nothing above U+10FFFF.
Utf8Character first_character(std::string_view text);

bool is_utf8(std::string_view text);

}  // namespace pathline

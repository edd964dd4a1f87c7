// Text in UTF-8.
#pragma once

#include <string_view>

namespace pathline {

// RFC 3629: no stray continuation, no longer form than needed, no surrogate, nothing above U+10FFFF.
bool is_utf8(std::string_view text);

}  // namespace pathline

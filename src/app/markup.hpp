// Text and numbers for an HTML page.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pathline {

// The text with & < > " and ' as entities, and with what is no printable UTF-8 as an escape of C: whatever a file or
// the command line brought is text, and never a tag.
std::string escaped(std::string_view text);

// JSON that stands inside of <script>: no "</script>" or "<!--" can end it.
std::string inside_script(std::string json);

std::string base64(const std::string& bytes);
std::string base64(const std::vector<std::uint16_t>& values);  // little-endian

// The template with each {{name}} replaced by its value.
struct Slot {
  std::string_view name;
  std::string value;
};
std::string filled(std::string_view page, const std::vector<Slot>& slots);

}  // namespace pathline

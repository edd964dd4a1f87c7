#include "core/printable.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "core/utf8.hpp"

namespace pathline {
namespace {

// Whether a terminal acts on the character: C0, C1 and DEL; U+2028 and U+2029, which end a line; the marks that change the
// writing direction (Unicode Standard Annex 9), by which a text can be made to look like another.
bool obeyed(std::uint32_t code) {
  return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x61C || code == 0x200E || code == 0x200F ||
         (code >= 0x2028 && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069) || code == 0xFEFF;
}

std::string escape(std::uint32_t code) {
  if (code == '\n') return "\\n";
  if (code == '\t') return "\\t";
  return code < 0x100 ? fmt::format("\\x{:02x}", code) : fmt::format("\\u{:04x}", code);
}

}  // namespace

std::string printable(std::string_view text, Lines lines) {
  std::string out;
  while (!text.empty()) {
    const auto [code, bytes] = first_character(text);
    const bool kept = lines == Lines::several && (code == '\n' || code == '\t');
    if (bytes == 0)
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[0]));
    else if (!obeyed(code) || kept)
      out += text.substr(0, bytes);
    else
      out += escape(code);
    text.remove_prefix(std::max<std::size_t>(bytes, 1));
  }
  return out;
}

}  // namespace pathline

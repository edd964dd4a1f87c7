#include "app/markup.hpp"

#include <algorithm>
#include <stdexcept>

#include "core/printable.hpp"

namespace pathline {

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : printable(text, Lines::several)) switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  return out;
}

std::string inside_script(std::string json) {
  std::string out;
  for (const char c : json)
    if (c == '<' || c == '>' || c == '&')  // they occur in strings of JSON only
      out += c == '<' ? "\\u003c" : c == '>' ? "\\u003e" : "\\u0026";
    else
      out += c;
  return out;
}

std::string base64(const std::string& bytes) {
  static constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k)
      group = group << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0u);
    for (std::size_t k = 0; k < 4; ++k) out += i + k <= bytes.size() ? kDigits[group >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

std::string base64(const std::vector<std::uint16_t>& values) {
  std::string bytes;
  bytes.reserve(2 * values.size());
  for (const auto v : values) bytes += static_cast<char>(v & 255), bytes += static_cast<char>(v >> 8);
  return base64(bytes);
}

std::string filled(std::string_view page, const std::vector<Slot>& slots) {
  std::string out;
  for (std::size_t at = 0; at < page.size();) {
    const auto open = page.find("{{", at), close = page.find("}}", open);
    if (open == std::string_view::npos || close == std::string_view::npos) return out += page.substr(at);
    const auto name = page.substr(open + 2, close - open - 2);
    const auto slot = std::find_if(slots.begin(), slots.end(), [&](const Slot& s) { return s.name == name; });
    if (slot == slots.end()) throw std::logic_error("the page has a slot without a value: " + std::string(name));
    out += page.substr(at, open - at), out += slot->value;
    at = close + 2;
  }
  return out;
}

}  // namespace pathline

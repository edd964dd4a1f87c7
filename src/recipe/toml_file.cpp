#include "recipe/toml_file.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>

#include <fmt/format.h>

#include "core/toml_text.hpp"
#include "pathline/core/error.hpp"

namespace pathline {
toml::table parse_toml(std::string_view text, const std::string& name) {
  check_toml_text(text, name);
  try {
    return toml::parse(text, name);
  } catch (const toml::parse_error& error) {
    throw InputError(fmt::format("{}:{}: {}", name, error.source().begin.line, error.description()));
  }
}

std::string read_toml(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  in.peek();  // a directory can be opened, but reading it fails
  if (in.bad() || !in.is_open()) throw InputError(fmt::format("{}: cannot read: {}", path, std::strerror(errno)));
  std::string text(kMostTomlBytes + 1, ' ');  // the size is limited, because /dev/zero has no end
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  return text;
}

}  // namespace pathline

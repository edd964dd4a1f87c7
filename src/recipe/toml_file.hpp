// TOML files of unknown origin: a text that is too large or nested too deeply is refused before it is parsed.
#pragma once

#include <string>
#include <string_view>

#include "core/toml.hpp"

namespace pathline {

// InputError, with `name` and the line, for text that is no TOML, is longer than 1 MB, or is nested so deeply that the
// parser would overflow its stack.
toml::table parse_toml(std::string_view text, const std::string& name);

// The text of a file, of which no more than is needed to refuse it is read. InputError if it cannot be read.
std::string read_toml(const std::string& path);

}  // namespace pathline

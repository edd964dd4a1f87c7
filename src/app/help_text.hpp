// The help of a command, on one screen.
#pragma once

#include <cstddef>
#include <string>

#include "app/command_line.hpp"

namespace pathline {

inline constexpr std::size_t kHelpWidth = 100;  // characters

// Lines of at most kHelpWidth characters. path: the command as it is called, "pathline train".
std::string help_text(const CommandText& command, const std::string& path);

}  // namespace pathline

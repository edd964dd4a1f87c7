// The manual pages of the program, made from its options and their help.
#pragma once

#include <string>
#include <vector>

#include "app/command_line.hpp"

namespace pathline {

struct ManualPage {
  std::string name;  // "pathline-train"
  std::string text;  // in the macros of man(7)
};

// One page for the program and one for each of its commands.
std::vector<ManualPage> manual_pages(const CommandText& program, const std::string& version);

}  // namespace pathline

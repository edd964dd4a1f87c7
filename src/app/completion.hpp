// Scripts that complete the words of the command line in a shell, made from its options.
#pragma once

#include <string>

#include "app/command_line.hpp"

namespace pathline {

// A script for bash, to be read by `source` or to be put into bash-completion's directory as NAME.
std::string bash_completion(const CommandText& program);
// A script for zsh, to be put as _NAME into a directory of its fpath.
std::string zsh_completion(const CommandText& program);

}  // namespace pathline

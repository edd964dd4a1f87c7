// Scripts that complete the words of the command line in a shell, made from its options.
#pragma once

#include <string>

#include "app/command_line.hpp"

namespace pathline {

// For `source`, or a file NAME in bash-completion's directory of completions.
std::string bash_completion(const CommandText& program);
// For a file _NAME in a directory of zsh's fpath.
std::string zsh_completion(const CommandText& program);

}  // namespace pathline

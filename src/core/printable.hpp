// Text of a file or of a command line, made fit for a terminal.
#pragma once

#include <string>
#include <string_view>

namespace pathline {

enum class Lines { one, several };

// The text with every character that a terminal obeys rather than shows as an escape of C: "\x1b" for ESC, "\u202e" for
// the override of the writing direction, "\xff" for a byte that is not UTF-8. With Lines::several, line ends and
// tabulators stay.
std::string printable(std::string_view text, Lines lines = Lines::one);

}  // namespace pathline

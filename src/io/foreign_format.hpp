// Files of other programs that are no tables of text.
#pragma once

#include <string>
#include <string_view>

namespace pathline {

// What the file is by its first line, and how to convert it: "a FITS file, not a text table; convert it with ...";
// empty if it is nothing known. A letter begins no such file unless there are bytes that no text has: it may be that of
// a name. FILE stands for its name.
std::string foreign_format(std::string_view first_line);

// "; convert this file with ...", by the end of a name; empty for an end that is nothing known.
std::string conversion_advice(const std::string& file);

}  // namespace pathline

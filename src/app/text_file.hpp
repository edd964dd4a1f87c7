// A text that becomes a file whole or not at all.
#pragma once

#include <string>

namespace pathline {

// InputError if it cannot be written.
void write_text_file(const std::string& path, const std::string& text);

// Makes the directory, and those above it, unless it is there. InputError if it cannot.
void make_directory(const std::string& path);

// A cell of CSV: in quotes if it holds a comma, a quote or a line break.
std::string csv_cell(const std::string& text);

}  // namespace pathline

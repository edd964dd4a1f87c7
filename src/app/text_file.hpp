// Text files of a command: their directory and their cells.
#pragma once

#include <string>

namespace pathline {

// Makes the directory, and those above it, unless it is there. InputError if it cannot.
void make_directory(const std::string& path);

// A cell of CSV: in quotes if it holds a comma, a quote or a line break.
std::string csv_cell(const std::string& text);

}  // namespace pathline

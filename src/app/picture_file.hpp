// The file of a picture.
#pragma once

#include <string>

#include "app/canvas.hpp"

namespace pathline::plot {

// By the suffix. InputError if it is not .png, .svg or .pdf.
Format format_of(const std::string& path);

// Replaces the file whole or not at all. InputError if it cannot be written.
void write_file(const std::string& path, const std::string& bytes);

}  // namespace pathline::plot

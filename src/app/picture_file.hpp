// The format of a file of a picture.
#pragma once

#include <string>

#include "app/canvas.hpp"

namespace pathline::plot {

// The format that the suffix names. InputError if it is not .png, .svg or .pdf.
Format format_of(const std::string& path);

}  // namespace pathline::plot

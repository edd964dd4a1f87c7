// The file of a picture.
#pragma once

#include <string>

#include "app/canvas.hpp"

namespace pathline::plot {

// By the suffix. InputError if it is not .png, .svg or .pdf.
Format format_of(const std::string& path);

}  // namespace pathline::plot

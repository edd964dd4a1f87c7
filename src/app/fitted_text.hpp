// Fits text into a given length on the page.
#pragma once

#include <string>
#include <vector>

#include "app/canvas.hpp"

namespace pathline::plot {

// The text, or its beginning and its end with "…" between, so that it is at most `width` px long.
std::string fitted(const std::string& text, const TextStyle& style, double width);

// The text in lines of at most `width` px, broken at spaces where it has any.
std::vector<std::string> wrapped(const std::string& text, const TextStyle& style, double width);

}  // namespace pathline::plot

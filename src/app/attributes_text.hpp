// The description of an architecture in one line.
#pragma once

#include <string>

#include "pathline/core/attributes.hpp"
#include "pathline/core/types.hpp"

namespace pathline {

std::string numbers(const Vector<double>& v);       // the first eight of them
std::string text_of(const Attributes& attributes);  // "hidden 64-64-64, layer concatsquash"

}  // namespace pathline

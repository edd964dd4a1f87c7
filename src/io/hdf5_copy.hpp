// An HDF5 file of which nothing is known is read by a child process, which sends a new file with the same content.
#pragma once

#include <string>

#include "io/child_process.hpp"

namespace pathline {

// What reading a file of this size may take.
ChildLimits limits_of(const std::string& file);

// The bytes of an HDF5 file with the groups, attributes and data sets of `file`: integers of 64 bits, doubles, texts of
// variable length and boolean attributes, in their shapes. Throws InputError for a file with anything else, for one that
// is damaged, and as walk() does.
std::string clean_copy(const std::string& file);

}  // namespace pathline

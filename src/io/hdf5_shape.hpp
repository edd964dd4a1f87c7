// The shapes of arrays: their number of values, their text in messages, and the data space that HDF5 makes of them.
#pragma once

#include <string>
#include <vector>

#include <hdf5.h>

#include "pathline/io/hdf5.hpp"

namespace pathline::hdf5 {

std::string shape_text(const Hdf5Shape& shape);  // as Python: "(3, 2)", "(3,)"

Index volume(const Hdf5Shape& shape);  // the number of values; throws InputError if it cannot be counted

std::vector<hsize_t> extents(const Hdf5Shape& shape);

hid_t make_space(const Hdf5Shape& shape);

}  // namespace pathline::hdf5

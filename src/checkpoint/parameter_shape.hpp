// The shape of a parameter's array in a file.
#pragma once

#include <vector>

#include <fmt/format.h>

#include "pathline/core/error.hpp"
#include "pathline/io/hdf5.hpp"
#include "pathline/field/vector_field.hpp"

namespace pathline {

// A weight is a matrix, though it have one column alone.
inline Hdf5Shape shape_of(const Parameter& p) {
  return p.cols > 1 || p.name.ends_with("weight") ? Hdf5Shape{p.rows, p.cols} : Hdf5Shape{p.rows};
}

// The array's numbers, row-major. InputError "FILE: ARRAY: shape (8, 5), expected (5, 8)": a transposed weight has as
// many numbers. A single value is (1) or ().
inline std::vector<double> read_shaped(const std::string& file, const Hdf5Dataset& array, const Hdf5Shape& expected) {
  const auto shape = array.shape();
  if (shape != expected && !(shape.empty() && expected == Hdf5Shape{1}))
    throw InputError(fmt::format("{}: {}: shape ({}), expected ({})", file, array.path().substr(1),
                                 fmt::join(shape, ", "), fmt::join(expected, ", ")));
  return array.values<double>();
}

}  // namespace pathline

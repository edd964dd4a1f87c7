// The shape of a parameter's array in a file.
#pragma once

#include <vector>

#include <fmt/format.h>

#include "pathline/core/error.hpp"
#include "pathline/field/vector_field.hpp"
#include "pathline/io/hdf5.hpp"

namespace pathline {

// The weight of a layer is a matrix even with one column; the weight of a batch norm is a vector, as in PyTorch.
inline Hdf5Shape shape_of(const Parameter& p) {
  const bool matrix = p.cols > 1 || (p.name.ends_with("weight") && !p.name.starts_with("norms."));
  return matrix ? Hdf5Shape{p.rows, p.cols} : Hdf5Shape{p.rows};
}

// Returns the numbers of the array, row-major. Throws InputError "FILE: ARRAY: shape (8, 5), expected (5, 8)": a
// transposed weight has as many numbers. A single value may be (1) or (), and a vector (n) or, as format 1 wrote some,
// (n, 1).
inline std::vector<double> read_shaped(const std::string& file, const Hdf5Dataset& array, const Hdf5Shape& expected) {
  const auto shape = array.shape();
  const bool column = expected.size() == 1 && shape == Hdf5Shape{expected[0], 1};
  if (shape != expected && !column && !(shape.empty() && expected == Hdf5Shape{1}))
    throw InputError(fmt::format("{}: {}: shape ({}), expected ({})", file, array.path().substr(1),
                                 fmt::join(shape, ", "), fmt::join(expected, ", ")));
  return array.values<double>();
}

}  // namespace pathline

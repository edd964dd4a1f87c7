#include "io/hdf5_shape.hpp"

#include "core/checked_product.hpp"
#include "pathline/core/error.hpp"

namespace pathline::hdf5 {

std::string shape_text(const Hdf5Shape& shape) {
  std::string text;
  for (const Index n : shape) text += (text.empty() ? "" : ", ") + std::to_string(n);
  return "(" + text + (shape.size() == 1 ? ",)" : ")");
}

Index volume(const Hdf5Shape& shape) {
  const auto n = checked_product(shape);
  if (!n) throw InputError("an array of shape " + shape_text(shape) + " has more values than can be counted");
  return *n;
}

std::vector<hsize_t> extents(const Hdf5Shape& shape) { return {shape.begin(), shape.end()}; }

hid_t make_space(const Hdf5Shape& shape) {
  if (shape.empty()) return H5Screate(H5S_SCALAR);
  return H5Screate_simple(static_cast<int>(shape.size()), extents(shape).data(), nullptr);
}

}  // namespace pathline::hdf5

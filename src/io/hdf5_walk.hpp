// A walk over all of an HDF5 file of which nothing is known, bounded by its size.
#pragma once

#include <string>

#include "pathline/io/hdf5.hpp"

namespace pathline {

// What a walk meets, in this order: a group, its attributes, its children; a data set, its attributes, its values.
class Hdf5Visitor {
 public:
  virtual ~Hdf5Visitor() = default;
  virtual bool enters(const std::string& /*path*/) { return true; }  // an object that is not entered is not met
  virtual void group(const Hdf5Group& group) = 0;
  virtual void attribute(const Hdf5Node& node, const std::string& name, Hdf5Kind kind, const Hdf5Shape& shape) = 0;
  virtual void dataset(const Hdf5Dataset& data, Hdf5Kind kind, const Hdf5Shape& shape) = 0;
  virtual void values(const Hdf5Dataset& data, Hdf5Kind kind) = 0;
};

// Throws InputError "FILE: PATH: ..." for a link to another place, groups that contain themselves, and objects or values
// that are more than a model of the file's size has.
void walk(const Hdf5Group& root, const std::string& file, Hdf5Visitor& visitor);

}  // namespace pathline

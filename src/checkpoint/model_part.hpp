// What the parts of a model file share: errors that name the file, the attributes of a description, and groups that are
// numbered.
#pragma once

#include <string>
#include <vector>

#include "pathline/core/error.hpp"
#include "pathline/field/vector_field.hpp"
#include "pathline/io/hdf5.hpp"

namespace pathline::model_file {

[[noreturn]] void refuse(const std::string& file, const std::string& what);

// Puts the name of the file in front of an error of a part of the model, such as a wrong width.
InputError in_file(const std::string& file, const InputError& error);

void write_attributes(Hdf5Group group, const Attributes& attributes);

// Throws InputError if a group of the file describes another part of a model than the one into which it is read. part:
// "vector field".
void check_attributes(const std::string& file, const Hdf5Group& group, const Attributes& attributes,
                      const std::string& part);

// Throws InputError for another number of values, and for one that is not finite.
Vector<double> read_sized(const std::string& file, const Hdf5Group& group, const std::string& name, Index size);

// The groups parent/0, parent/1, ...
std::vector<Hdf5Group> groups_of(const Hdf5Group& in, const std::string& parent);

}  // namespace pathline::model_file

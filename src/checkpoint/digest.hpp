// Hashes that tell whether a model file is as it was written.
#pragma once

#include <string>
#include <vector>

#include "pathline/core/error.hpp"
#include "pathline/core/types.hpp"
#include "pathline/field/vector_field.hpp"
#include "pathline/io/hdf5.hpp"

namespace pathline {

/// A model file whose digest is not that of its contents.
class DigestError : public InputError {
 public:
  using InputError::InputError;
};

/// The digest of format 2: 16 hexadecimal digits, FNV-1a over every group, attribute and data set of the file in the
/// order of their paths, each with its name, kind, shape and values. Left out are the digest itself, `metrics` (how the
/// training went) and `training` (the optimizer's state). A part of a model is covered because it is in the file:
/// nothing has to be listed here. Throws InputError for a file that cannot be a model: with a link to another
/// place, with more than 100,000 objects, or with a data set of more values than the file has bytes.
std::string content_digest(const Hdf5Group& root, const std::string& file);

/// The digest of format 1, which does not cover the architecture. theta: of `parameters`, as the file has it.
std::string digest_of_format_1(const Hdf5Group& root, const std::vector<Parameter>& parameters,
                               const Vector<double>& theta);

}  // namespace pathline

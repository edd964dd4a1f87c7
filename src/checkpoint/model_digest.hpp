// The digest of a model file, which tells that the file was changed.
#pragma once

#include <string>

#include "checkpoint/digest.hpp"
#include "pathline/checkpoint/model.hpp"
#include "pathline/core/error.hpp"
#include "pathline/io/hdf5.hpp"

namespace pathline::model_file {

// To be called last, because the digest covers everything in the file.
void write_digest(Hdf5File& out, const std::string& file);

// Throws InputError if the digest does not match the file. theta: in double, as it is in the file.
template <class S> void check_digest(const std::string& file, const Hdf5File& in, const ModelCard& card,
                                     const Flow<S>& flow, const Vector<double>& theta);

// Adds to the error of a part of the file that the file was changed, if its digest does not match.
InputError with_digest(const std::string& file, const Hdf5File& in, const InputError& error);

}  // namespace pathline::model_file

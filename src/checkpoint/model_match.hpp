// Reads the parameters of a model file into a flow of the caller, which the file has to describe.
#pragma once

#include <string>

#include "pathline/checkpoint/model.hpp"
#include "pathline/io/hdf5.hpp"

namespace pathline::model_file {

// Reads the parameters of the file into a copy of this flow. Throws InputError for a flow that the file does not
// describe.
template <class S>
Flow<S> filled(const std::string& file, const Hdf5File& in, const ModelCard& card, const Flow<S>& flow);

}  // namespace pathline::model_file

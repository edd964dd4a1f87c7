// The number of the format of a model file.
#pragma once

#include <cstdint>
#include <string>

#include "pathline/flow/flow.hpp"
#include "pathline/io/hdf5.hpp"

namespace pathline::model_file {

// The first format with all that the flow has, so that an older pathline refuses only what it would read wrongly.
template <class S> std::int64_t format_of(const Flow<S>& flow);

// Throws InputError for a file that is not a model, and for one of a later format.
void check_format(const std::string& file, const Hdf5File& in);

}  // namespace pathline::model_file

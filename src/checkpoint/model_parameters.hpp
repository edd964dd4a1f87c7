// The arrays of a flow's parameters, in /parameters of a model file.
#pragma once

#include <string>

#include "pathline/flow/flow.hpp"
#include "pathline/io/hdf5.hpp"

namespace pathline::model_file {

template <class S> void write_parameters(Hdf5Group& out, const Flow<S>& flow);

// Returns the parameters in double, as they are in the file.
template <class S> Vector<double> read_parameters(const std::string& file, const Hdf5Group& in, Flow<S>& flow);

}  // namespace pathline::model_file

// FFJORD's networks, as tools/ffjord_to_hdf5.py writes them.
#pragma once

#include <string>

#include "pathline/flow/flow.hpp"

namespace pathline {

// Reads one CNF without batch norm: state-dict names under `parameters`, the architecture in the root's attributes.
// InputError naming the file and the array that is missing, of another shape, or not supported (chains, residual).
template <class S> Flow<S> read_ffjord(const std::string& file);

}  // namespace pathline

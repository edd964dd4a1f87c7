/// \file
/// FFJORD's networks, as tools/ffjord_to_hdf5.py writes them.
#pragma once

#include <string>

#include "pathline/flow/flow.hpp"

namespace pathline {

/// Reads a CNF, or a chain of them with or without moving batch norm: state-dict names under `parameters`, the
/// architecture in the root's attributes. The norms have the running statistics that FFJORD evaluates with.
/// InputError naming the file and the array that is missing, of another shape, or not supported (residual).
/// The attributes `mean` and `scale` (d), which FFJORD does not write, standardize the data; the defaults are 0 and 1.
template <class S> [[nodiscard]] Flow<S> read_ffjord(const std::string& file);

/// Writes a flow of Mlp fields with FFJORD's time direction in the same layout; InputError for any other flow.
template <class S> void write_ffjord(const std::string& file, const Flow<S>& flow);

}  // namespace pathline

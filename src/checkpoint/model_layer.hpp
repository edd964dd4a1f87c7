// The transforms in closed form between the blocks and the data, in /transforms/<i> of a model file.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "checkpoint/size_budget.hpp"
#include "pathline/flow/flow.hpp"
#include "pathline/io/hdf5.hpp"

namespace pathline::model_file {

// The transforms with a closed form that a file can hold.
template <class S> bool is_layer(const Transform<S>& transform);
template <class S> std::vector<const Transform<S>*> layers_of(const Flow<S>& flow);

template <class S> void write_layers(Hdf5Group& out, const Flow<S>& flow);

// What the groups describe, without the parameters.
template <class S> std::vector<std::unique_ptr<Transform<S>>> read_layers(const std::string& file, const Hdf5Group& in,
                                                                          Index dim, Index condition_dim,
                                                                          SizeBudget& budget);

}  // namespace pathline::model_file

// One flow in a model file: in the root, or in the group of a member of an ensemble.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "checkpoint/size_budget.hpp"
#include "pathline/flow/flow.hpp"
#include "pathline/io/hdf5.hpp"

namespace pathline::model_file {

template <class S> struct ReadFlow {
  Flow<S> flow;
  Vector<double> theta;  // in double, as it is in the file
};

// Writes the description of one flow into the root of a file, or into the group of a member.
template <class S> void write_flow(Hdf5Group& out, const Flow<S>& flow);

std::pair<Index, Index> read_dims(const std::string& file, const Hdf5File& in);  // dim and condition_dim

// One flow, from the root of the file or from the group of a member. file: for messages.
template <class S>
ReadFlow<S> read_one(const std::string& file, const Hdf5Group& in, Index dim, Index condition_dim, SizeBudget& budget);

// Reads all except the blocks, norms and layers. Returns the parameters in double, as they are in the file.
template <class S>
Vector<double> read_rest(const std::string& file, const Hdf5Group& in, Flow<S>& flow, SizeBudget& budget);

// The kinds of the chain's transforms; empty if they are those that blocks, norms and then layers make.
template <class S> std::vector<std::string> transforms_of(const Flow<S>& flow);

}  // namespace pathline::model_file

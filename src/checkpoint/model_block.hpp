// The blocks of a flow and the batch norms between them, in /blocks/<i> and /norms/<i> of a model file.
#pragma once

#include <string>
#include <vector>

#include "checkpoint/size_budget.hpp"
#include "pathline/flow/flow.hpp"
#include "pathline/io/hdf5.hpp"

namespace pathline::model_file {

template <class S> void write_blocks(Hdf5Group& out, const Flow<S>& flow);  // with the norms

// What the groups describe, without the parameters.
template <class S> std::vector<Cnf<S>> read_blocks(const std::string& file, const Hdf5Group& in, Index dim,
                                                   Index condition_dim, SizeBudget& budget);

// Reads all of a block except its field.
template <class S> void read_times(const std::string& file, const Hdf5Group& block, Cnf<S>& cnf);

// Throws InputError if the block in the file has another kind of field, or another architecture, than the flow that it
// is read into.
template <class S> void check_field(const std::string& file, const Hdf5Group& block, const VectorField<S>& field);

template <class S> std::vector<BatchNorm<S>> read_norms(const std::string& file, const Hdf5Group& in, Index dim);
template <class S> void read_norm(const std::string& file, const Hdf5Group& group, BatchNorm<S>& norm);

}  // namespace pathline::model_file

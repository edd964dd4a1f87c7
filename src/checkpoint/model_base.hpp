// The base distribution of a flow, in /base of a model file.
#pragma once

#include "checkpoint/size_budget.hpp"
#include "pathline/flow/flow.hpp"
#include "pathline/io/hdf5.hpp"

namespace pathline::model_file {

template <class S> void write_base(Hdf5Group& out, const Flow<S>& flow);

// Gives the flow a base as the group describes it, without its parameters.
template <class S> void read_base(const Hdf5Group& in, Flow<S>& flow, SizeBudget& budget);

}  // namespace pathline::model_file

// The units of the data in a model file: mean, scale and logit, the marginal maps, the linear map, bounds and periods.
#pragma once

#include <string>

#include "checkpoint/size_budget.hpp"
#include "pathline/flow/flow.hpp"
#include "pathline/io/hdf5.hpp"

namespace pathline::model_file {

// The order of the writes is that of the bytes of a file: first logit, means and scales; the marginal maps; then, after
// the base, the linear map, bounds and periods.
template <class S> void write_scales(Hdf5Group& out, const Flow<S>& flow);
void write_marginals(Hdf5Group& out, const Chain<double>& data_side);
template <class S> void write_limits(Hdf5Group& out, const Flow<S>& flow);

// Reads all of them.
template <class S> void read_units(const std::string& file, const Hdf5Group& in, Flow<S>& flow, SizeBudget& budget);

}  // namespace pathline::model_file

// The members of an ensemble, in /members/<i> of a model file.
#pragma once

#include <string>
#include <vector>

#include "checkpoint/size_budget.hpp"
#include "pathline/flow/flow.hpp"
#include "pathline/flow/flow_mixture.hpp"
#include "pathline/io/hdf5.hpp"

namespace pathline::model_file {

bool is_ensemble(const Hdf5Group& in);

// The units of an ensemble are those of its first member. recipes: of the members, or none.
template <class S>
void write_ensemble(Hdf5File& out, const FlowMixture<S>& mixture, const std::vector<std::string>& recipes);

// The members together have no more parameters than the file can contain.
template <class S> Flow<S> read_ensemble(const std::string& file, const Hdf5Group& in, Index dim, Index condition_dim,
                                         const SolverOptions& solver, SizeBudget& budget);

// The recipes of the members, as far as they are known. The sum of their lengths is limited by the size of the file,
// because one recipe may be linked under many names.
std::vector<std::string> read_member_recipes(const std::string& file, const Hdf5File& in);

}  // namespace pathline::model_file

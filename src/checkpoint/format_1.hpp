// Reads what format 1 of a model file stores in another place than format 2.
#pragma once

#include <string>

#include "pathline/ode/options.hpp"

namespace pathline {

// Returns the solver options of such a model: the table solver.evaluation of its recipe, which is TOML or empty. The
// message of an InputError does not name the file.
SolverOptions evaluation_of_format_1(const std::string& recipe);

}  // namespace pathline

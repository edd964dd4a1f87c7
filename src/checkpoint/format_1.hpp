// What a model file of format 1 keeps elsewhere than one of format 2.
#pragma once

#include <string>

#include "pathline/ode/options.hpp"

namespace pathline {

// How such a model is evaluated: the table solver.evaluation of its recipe, which is TOML or empty. InputError without
// the file's name.
SolverOptions evaluation_of_format_1(const std::string& recipe);

}  // namespace pathline

// Warnings of a solver that is coarser than the one that a model was given for its evaluation.
#pragma once

#include <string>

#include "app/flags.hpp"

namespace pathline {

// What makes the solver coarser than that of the model, as the subject of a warning: "--steps 3 is too few"; "" if it
// is not coarser.
std::string coarse_option(const SolverOptions& given, const SolverOptions& of_model);

// Warns that a mean error of the log-densities, in nats, and a largest one are too large, if they are.
void warn_of_coarse_option(const std::string& option, double mean, double largest);

// Warns of a coarser solver by the log-densities that it gives for 256 draws of the model, at the mean of the
// condition.
template <class S>
void warn_of_coarse_solver(const Flow<S>& flow, const ModelCard& card, const EvaluationOptions& options);

}  // namespace pathline

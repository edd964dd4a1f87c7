/// \file
/// A learned vector field as a file.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "pathline/dynamics/dynamics_spec.hpp"
#include "pathline/ode/options.hpp"

namespace pathline {

struct SavedDynamics {
  DynamicsSpec spec;
  SolverOptions solver;
  std::vector<std::string> columns;  ///< d names of the state
  Vector<double> theta;

  std::unique_ptr<VectorField<double>> field() const;
};

/// Writes a sealed HDF5 file, which replaces an older one whole. Each parameter is a data set of its own too.
void write_dynamics(const std::string& file, const SavedDynamics& model);
/// Throws InputError for a file that is damaged or holds another kind of model.
[[nodiscard]] SavedDynamics read_dynamics(const std::string& file);

}  // namespace pathline

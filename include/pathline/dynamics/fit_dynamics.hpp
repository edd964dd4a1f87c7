/// \file
/// Learning dz/dt = f(t, z) from observed trajectories.
#pragma once

#include <cstdint>
#include <vector>

#include "pathline/adjoint/odeint.hpp"
#include "pathline/dynamics/physics_field.hpp"
#include "pathline/dynamics/trajectory.hpp"
#include "pathline/optim/minimize.hpp"

namespace pathline {

struct DynamicsOptions {
  OdeintOptions solve = {};  ///< its threads work on trajectories in parallel
  MinimizeOptions optimizer = {};
  Vector<double> weights = {};  ///< d, of the squared errors; empty: all 1
  /// >= 2: an iteration takes `batch` parts of this many successive observations; 0: all trajectories, whole.
  Index window = 0;
  Index batch = 20;        ///< >= 1, of windows
  std::uint64_t seed = 0;  ///< of the windows
  /// The field does not depend on time. Parts that differ only by a shift of their times are then solved together.
  bool autonomous = false;
  /// Trains the first state of each trajectory too, which noise would otherwise make wrong; only for window = 0.
  bool train_initial = false;
  Matrix<double> initial = {};  ///< d x N: the first states to begin with; empty: the first observations
  bool hold_terms = false;      ///< the terms of a PhysicsField keep their values: the network alone is trained
};

struct DynamicsFit {
  std::vector<double> losses;  ///< the loss of each iteration, before its step
  Matrix<double> initial;      ///< d x N: the first state of each trajectory, as observed or as trained
};

/// Minimizes the mean of weight_i (z_i(t) - observed_i(t))^2 over components and observations, where z starts at the
/// first state of each part. Throws InputError for trajectories or weights of another dimension than the field, or a
/// window longer than every trajectory; NumericalError if a solve fails.
template <class S> [[nodiscard]] DynamicsFit fit_dynamics(VectorField<S>& field, const std::vector<Trajectory>& data,
                                                          const DynamicsOptions& options);

struct TermsFit {
  double loss = 0;         ///< the mean weighted squared error at the end
  Matrix<double> initial;  ///< d x N: the first state of each trajectory, as observed or as fitted
};

/// Minimizes the same loss over the terms of the known part alone, and with options.train_initial over the first states
/// too, by Levenberg and Marquardt's method. The network adds nothing meanwhile (r = 0; r is restored at the end): next
/// to it the terms are not identified, because its output can stand in for any of them. Then fit_dynamics with
/// hold_terms trains the network on what the terms leave. The curvatures of the terms differ by factors for which a
/// first-order method needs many thousand iterations. Uses solve, weights, autonomous and initial of the options. If a
/// solve fails, those parameters count as bad ones. InputError for a field whose r is not a parameter.
[[nodiscard]] TermsFit fit_terms(PhysicsField<double>& field, const std::vector<Trajectory>& data,
                                 const DynamicsOptions& options);

/// The root mean squared error over components and observations of solutions that start at `initial` (d x N), or at the
/// first observations if it is empty; weights: as in DynamicsOptions. Infinite if a solve fails.
template <class S> [[nodiscard]] double trajectory_error(const VectorField<S>& field,
                                                         const std::vector<Trajectory>& data,
                                                         const OdeintOptions& solve, const Matrix<double>& initial = {},
                                                         const Vector<double>& weights = {});

#define PATHLINE_DECLARE(S)                                                                         \
  extern template DynamicsFit fit_dynamics<S>(VectorField<S>&, const std::vector<Trajectory>&,      \
                                              const DynamicsOptions&);                              \
  extern template double trajectory_error<S>(const VectorField<S>&, const std::vector<Trajectory>&, \
                                             const OdeintOptions&, const Matrix<double>&, const Vector<double>&);
PATHLINE_DECLARE(float)
PATHLINE_DECLARE(double)
#undef PATHLINE_DECLARE

}  // namespace pathline

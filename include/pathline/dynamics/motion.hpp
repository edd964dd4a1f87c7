/// \file
/// Simulated trajectories with known dynamics: twelve motions of a body, and a spiral.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "pathline/core/random.hpp"
#include "pathline/dynamics/trajectory.hpp"

namespace pathline {

/// A motion of a body in the state z = (x, y, vx, vy, theta, omega, s, l, a) of Neural Newtonian Dynamics: position,
/// velocity, angle and its rate, size, length and area (NewtonGen, arXiv 2509.21309, whose motions these follow).
struct Motion {
  std::string name, description;
  bool linear;  ///< the known part of make_newtonian_field describes it exactly
  /// The parameters of make_newtonian_field that the motion determines, with their true values.
  std::vector<std::pair<std::string, double>> truth;
  /// Draws a trajectory: states (9 x T) at the times, which begin at 0.
  std::function<Matrix<double>(Engine&, const std::vector<double>& times)> draw;
};

/// Uniform velocity, uniform acceleration, deceleration, parabola, circular, rotation, approach, slope, spring,
/// pendulum, size change and deformation.
[[nodiscard]] const std::vector<Motion>& motions();
[[nodiscard]] const Motion& find_motion(const std::string& name);  ///< InputError with the names and the nearest one
[[nodiscard]] const std::vector<std::string>& motion_columns();    ///< x, y, vx, vy, theta, omega, s, l, a

/// `count` trajectories of the motion; trajectory i depends on (seed, i) alone.
[[nodiscard]] TrajectoryTable draw_motion(const Motion& motion, Index count, const std::vector<double>& times,
                                          std::uint64_t seed);

/// Adds to each component of the states normal noise of `share` times its standard deviation over the table.
void add_noise(TrajectoryTable& table, double share, std::uint64_t seed);

/// The spiral of Chen et al. 2018 (torchdiffeq's ode_demo): dz/dt = A z^3 with A = [[-0.1, -2], [2, -0.1]], elementwise
/// cube, from (2, 0). One trajectory at the times, which begin at 0.
[[nodiscard]] TrajectoryTable draw_spiral(const std::vector<double>& times);

/// A pendulum without friction, q' = p and p' = -sin q, whose energy p^2/2 + 1 - cos q is constant: `count`
/// trajectories in the state (q, p) from q and p uniform in (-1.5, 1.5). Trajectory i depends on (seed, i) alone.
[[nodiscard]] TrajectoryTable draw_free_pendulum(Index count, const std::vector<double>& times, std::uint64_t seed);

/// count equal steps' ends from 0 to end: count + 1 times.
[[nodiscard]] std::vector<double> equal_times(double end, Index count);

}  // namespace pathline

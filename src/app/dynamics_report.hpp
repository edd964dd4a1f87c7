// What the commands of `pathline dynamics` share, and those that report how well known dynamics are learned.
#pragma once

#include "app/command_line.hpp"
#include "app/flags.hpp"
#include "pathline/dynamics/dynamics_spec.hpp"
#include "pathline/dynamics/fit_dynamics.hpp"

namespace pathline {

inline constexpr const char* kPhysicsFirst =
    "first fit the physical parameters alone, by Levenberg and Marquardt's method; then hold them and train the "
    "network";

// The weights of Neural Newtonian Dynamics: 1.01 on positions and velocities, 0.1 on the rest.
Vector<double> newtonian_loss_weights();

// The solutions from the first observation of each trajectory, at its times.
TrajectoryTable predicted(const VectorField<double>& field, const TrajectoryTable& data, const OdeintOptions& solve);

// Fits the terms of the known part first. `options` then start from them and keep them fixed.
void fit_physics_first(PhysicsField<double>& field, const std::vector<Trajectory>& data, DynamicsOptions& options);

// Throws InputError for numbers of simulated trajectories and of their steps that are below 1, or too large.
void require_simulated(Index count, Index points);

// `dynamics motions`: the twelve simulated motions. `dynamics energy`: a Hamiltonian field against a plain network.
void add_motions_command(Command parent, Action& chosen);
void add_energy_command(Command parent, Action& chosen);

}  // namespace pathline

// The ways of particles from the base of a model to the data, for pictures.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pathline/flow/flow.hpp"

namespace pathline {

struct ParticlePathOptions {
  Index particles = 500;  // >= 1
  std::uint64_t seed = 0;
  EvaluationOptions evaluation = {};
};

// What a reader of the picture has to know of these ways; empty where they are the solutions of an ODE of the model.
template <class S> std::string way_of_particles(const Flow<S>& flow);

// Draws particles of the base and follows them: at each part of the way, which increase within [0, 1], d x n points in
// the units of the data. In a flow that solves ODEs a part of the way is that of its time. In one of K maps in closed
// form the particles move in straight lines, in the coordinates of the base, from what one map gives at k / K to what
// the next gives at (k + 1) / K. In an ensemble each member moves its share of the particles. condition: dc x 1, or no
// rows.
template <class S> std::vector<Matrix<double>> particle_paths(const Flow<S>& flow, const std::vector<double>& parts,
                                                              const ParticlePathOptions& options,
                                                              const Matrix<double>& condition);

extern template std::string way_of_particles<float>(const Flow<float>&);
extern template std::string way_of_particles<double>(const Flow<double>&);
extern template std::vector<Matrix<double>> particle_paths<float>(const Flow<float>&, const std::vector<double>&,
                                                                  const ParticlePathOptions&, const Matrix<double>&);
extern template std::vector<Matrix<double>> particle_paths<double>(const Flow<double>&, const std::vector<double>&,
                                                                   const ParticlePathOptions&, const Matrix<double>&);

}  // namespace pathline

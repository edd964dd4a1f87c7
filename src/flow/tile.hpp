// What solving a batch tile by tile needs, forward and for gradients.
#pragma once

#include <algorithm>
#include <vector>

#include "pathline/core/parallel.hpp"
#include "pathline/ode/solver.hpp"

namespace pathline {

// What each thread keeps between tiles.
template <class S> struct TileWorker {
  explicit TileWorker(const SolverOptions& options) : solver(options) {}
  Solver<S> solver;
  Workspace<S> workspace;
  State<S> state, node;
  Matrix<S> condition, probes;
};

template <class S> std::vector<TileWorker<S>> make_tile_workers(const SolverOptions& options) {
  std::vector<TileWorker<S>> workers;
  for (int i = 0; i < thread_count(); ++i) workers.emplace_back(options);
  return workers;
}

// n samples in tiles of `size`, the last perhaps smaller.
struct Tiles {
  Index n, size;
  Index count() const { return (n + size - 1) / size; }
  Index begin(Index tile) const { return tile * size; }
  Index batch(Index tile) const { return std::min(size, n - begin(tile)); }
};

}  // namespace pathline

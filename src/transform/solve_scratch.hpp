// The memory that a thread keeps between solves.
#pragma once

#include <optional>

#include "adjoint/continuous.hpp"
#include "adjoint/discrete.hpp"
#include "pathline/transform/transform.hpp"

namespace pathline {

template <class S> struct SolveScratch {
  // Is made again if the options differ from those of the last call.
  Solver<S>& solver(const SolverOptions& options) {
    if (!solver_ || !(solver_->options() == options)) solver_.emplace(options);
    return *solver_;
  }
  // The checkpointed method solves backwards over one forward step at a time.
  ContinuousAdjoint<S>& continuous(const SolverOptions& options, AdjointKind kind) {
    SolverOptions o = options;
    if (kind == AdjointKind::checkpointed && o.steps > 0) o.steps = 1;
    if (!continuous_ || !(continuous_->options() == o)) continuous_.emplace(o);
    return *continuous_;
  }

  DiscreteAdjoint<S> discrete;
  State<S> state, node;
  Matrix<S> probes, z_bar;
  RowVector<S> weight;

 private:
  std::optional<Solver<S>> solver_;
  std::optional<ContinuousAdjoint<S>> continuous_;
};

}  // namespace pathline

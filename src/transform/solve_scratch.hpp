// The memory that a thread keeps between solves.
#pragma once

#include <optional>

#include "adjoint/continuous.hpp"
#include "adjoint/discrete.hpp"
#include "pathline/transform/transform.hpp"

namespace pathline {

template <class S> struct SolveScratch {
  // The solver for these options. It is made anew if they differ from those of the last call.
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

  // Sets the layout of the state for this number of samples, unless the state has it already.
  void lay_out(Index dim, Index batch, bool with_density, bool with_integrand) {
    const auto& now = state.layout();
    const std::size_t blocks = with_integrand ? 3 : with_density ? 2 : 1;
    if (now.batch != batch || now.rows.size() != blocks || now.rows[0] != dim)
      state.resize(Augmented<S>::layout(dim, batch, with_density, with_integrand));
  }

  DiscreteAdjoint<S> discrete;
  State<S> state, node;
  Matrix<S> probes, z_bar;
  RowVector<S> weight;
  Engine engine;  // draws the probes

 private:
  std::optional<Solver<S>> solver_;
  std::optional<ContinuousAdjoint<S>> continuous_;
};

}  // namespace pathline

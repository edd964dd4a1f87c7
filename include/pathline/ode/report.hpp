/// \file
/// Outcome and statistics of an ODE solve.
#pragma once

#include <string>

#include "pathline/core/types.hpp"

namespace pathline {

enum class SolveStatus { not_run, success, step_limit, step_underflow, not_finite };

struct SolveReport {
  SolveStatus status = SolveStatus::not_run;
  double t = 0;           ///< the time that the solve reached
  double step = 0;        ///< the last accepted step, or the last attempted one
  double next_step = 0;   ///< the step that the controller would try next
  double first_step = 0;  ///< the first accepted step; a similar solve may start with it
  Index accepted = 0, rejected = 0;
  Index evaluations = 0;  ///< evaluations of the right-hand side (NFE)
  Index limit = 0;        ///< max_steps of the solve

  bool ok() const { return status == SolveStatus::success; }
  /// One line that says what happened, where, and what to try. Empty if ok().
  std::string advice() const;
  /// Adds the counts of another solve and keeps the first failure.
  void add(const SolveReport& other);
};

}  // namespace pathline

// What became of a solve.
#pragma once

#include <string>

#include "pathline/core/types.hpp"

namespace pathline {

enum class SolveStatus { not_run, success, step_limit, step_underflow, not_finite };

struct SolveReport {
  SolveStatus status = SolveStatus::not_run;
  double t = 0;          // how far it came
  double step = 0;       // the last accepted step, or the last tried
  double next_step = 0;  // what the controller would try next
  double first_step = 0; // the first accepted step: where a similar solve may begin
  Index accepted = 0, rejected = 0;
  Index evaluations = 0;  // of the right-hand side: NFE
  Index limit = 0;        // max_steps that held

  bool ok() const { return status == SolveStatus::success; }
  // One line: what happened, where, and what to try. "" if ok.
  std::string advice() const;
  // Counts of several solves: sums, and the first failure.
  void add(const SolveReport& other);
};

}  // namespace pathline

#include "pathline/ode/report.hpp"

#include <fmt/format.h>

namespace pathline {

std::string SolveReport::advice() const {
  switch (status) {
    case SolveStatus::success: return "";
    case SolveStatus::not_run: return "the solve was not run";
    case SolveStatus::step_limit:
      return fmt::format("step limit of {} reached at t = {:.6g} (last step {:.3g}): loosen rtol and atol, raise "
                         "max_steps, or use fixed steps",
                         limit, t, step);
    case SolveStatus::step_underflow:
      return fmt::format(
          "step size underflow at t = {:.6g} (step {:.3g}): the field is too steep there for this "
          "precision; loosen rtol and atol, or use double precision or fixed steps",
          t, step);
    case SolveStatus::not_finite:
      if (evaluations == 0)
        return "a map is not finite: check for a point far outside the data, or a NaN in the parameters";
      return fmt::format(
          "the field or its integral is not finite at t = {:.6g}: check for a point far outside the "
          "data, a NaN in the parameters, or steps too large for the field",
          t);
  }
  return "";
}

void SolveReport::add(const SolveReport& other) {
  const bool first = status == SolveStatus::not_run;
  if (first || (ok() && !other.ok())) {
    status = other.status, t = other.t, limit = other.limit, step = other.step;
  }
  next_step = other.next_step;
  accepted += other.accepted, rejected += other.rejected, evaluations += other.evaluations;
}

}  // namespace pathline

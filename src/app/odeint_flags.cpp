#include "app/odeint_flags.hpp"

#include <fmt/format.h>

namespace pathline {

void OdeintFlags::add_to(Command c) {
  c.add_option("--stepper", stepper, fmt::format("{}", fmt::join(stepper_names(), ", ")))
      .show_default()
      .choices(stepper_names());
  c.add_option("--rtol", rtol, "relative tolerance of the solver, per sample").show_default();
  c.add_option("--atol", atol, "absolute tolerance of the solver, per sample").show_default();
  c.add_option("--steps", steps, "use this number of equal steps between two times instead of adaptive steps");
  c.add_option("--adjoint", adjoint, fmt::format("adjoint method: {}", fmt::join(adjoint_names(), ", ")))
      .show_default()
      .choices(adjoint_names());
}

OdeintOptions OdeintFlags::options(int threads) const {
  OdeintOptions out{.solver = {.stepper = parse_stepper(stepper), .rtol = rtol, .atol = atol, .steps = steps},
                    .adjoint = parse_adjoint(adjoint),
                    .threads = threads};
  out.solver.check();
  return out;
}

}  // namespace pathline

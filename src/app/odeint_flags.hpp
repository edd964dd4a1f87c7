// The options of an ODE solve without a density: of a Neural ODE or of learned dynamics.
#pragma once

#include <string>

#include "app/command_line.hpp"
#include "pathline/adjoint/odeint.hpp"

namespace pathline {

struct OdeintFlags {
  std::string stepper = "dopri5", adjoint = "discrete";
  double rtol = 1e-4, atol = 1e-4;
  Index steps = 0;
  void add_to(Command command);
  OdeintOptions options(int threads) const;  // InputError
};

}  // namespace pathline

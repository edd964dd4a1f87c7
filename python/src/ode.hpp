// Vector fields and the solution of their initial value problems.
#pragma once

#include <pybind11/pybind11.h>

#include "pathline/adjoint/odeint.hpp"

namespace pathline::python {

// The options of a solve by their names: stepper, rtol, atol, steps, max_steps, adjoint, tile, threads. InputError for
// one that there is not.
OdeintOptions odeint_options(const pybind11::dict& options);

void bind_ode(pybind11::module_& module);

}  // namespace pathline::python

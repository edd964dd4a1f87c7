// The checks that a flow is the density that it claims to be.
#pragma once

#include <pybind11/pybind11.h>

namespace pathline::python {

void bind_verification(pybind11::module_& module);

}  // namespace pathline::python

// Neural ODEs and residual networks that predict y from x.
#pragma once

#include <pybind11/pybind11.h>

namespace pathline::python {

void bind_regression(pybind11::module_& module);

}  // namespace pathline::python

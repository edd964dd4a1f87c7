// The errors of pathline as exceptions of Python. This is the only place that maps them.
#pragma once

#include <pybind11/pybind11.h>

namespace pathline::python {

// Translates InputError and NumericalError into the classes of pathline.errors.
void bind_errors(pybind11::module_& module);

}  // namespace pathline::python

// Training by a recipe, on an array or on what the recipe names.
#pragma once

#include <pybind11/pybind11.h>

namespace pathline::python {

void bind_training(pybind11::module_& module);

}  // namespace pathline::python

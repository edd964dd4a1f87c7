// The module pathline._core: what the Python package needs of the core library, in plain types.
#include <pybind11/pybind11.h>

#include "errors.hpp"
#include "flow.hpp"
#include "ode.hpp"
#include "pathline/core/version.hpp"
#include "regression.hpp"
#include "training.hpp"
#include "verification.hpp"

PYBIND11_MODULE(_core, module) {
  module.doc() = "The core library of pathline. Use the package pathline instead.";
  module.attr("__version__") = PATHLINE_VERSION;
  pathline::python::bind_errors(module);
  pathline::python::bind_flow(module);
  pathline::python::bind_training(module);
  pathline::python::bind_verification(module);
  pathline::python::bind_ode(module);
  pathline::python::bind_regression(module);
}

#include "python_field.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include <pybind11/numpy.h>

#include "arrays.hpp"
#include "pathline/core/error.hpp"

namespace py = pybind11;

namespace pathline::python {
namespace {

py::array_t<double> array_of(ConstMatrixRef<double> z) {
  auto out = new_points(z.cols(), z.rows(), false);
  MatrixMap<double>(out.mutable_data(), z.rows(), z.cols()) = z;
  return out;
}

// An array (n, d) that a function returned, as d x n.
void read(const py::object& from, const char* what, MatrixRef<double> to) {
  const auto array = py::array_t<double, py::array::c_style | py::array::forcecast>::ensure(from);
  if (!array) throw InputError(std::string(what) + ": expected to return an array of numbers");
  if (array.ndim() != 2 || array.shape(0) != to.cols() || array.shape(1) != to.rows())
    throw InputError(std::string(what) + ": returned the shape " + std::string(py::str(array.attr("shape"))) +
                     "; expected (" + std::to_string(to.cols()) + ", " + std::to_string(to.rows()) + ") as that of z");
  to = ConstMatrixMap<double>(array.data(), to.rows(), to.cols());
}

}  // namespace

PythonField::PythonField(Index dim, py::object value, py::object vjp, Index parameters)
    : VectorField<double>(dim, 0), value_(std::move(value)), vjp_(std::move(vjp)), parameters_(parameters) {
  if (dim < 1) throw InputError("dim = " + std::to_string(dim) + ": must be >= 1");
  if (parameters < 0) throw InputError("parameters = " + std::to_string(parameters) + ": must be >= 0");
  // Never empty: an empty theta means that the derivative by t is not wanted either.
  (void)add_parameter("theta", std::max<Index>(parameters, 1), 1, true);
}

void PythonField::value(const FieldPoint<double>& x, MatrixRef<double> f, Workspace<double>&) const {
  read(value_(x.t, array_of(x.z)), "field", f);
}

void PythonField::tangents(const FieldPoint<double>& x, const TangentDirections<double>& e, MatrixRef<double> f,
                           MatrixRef<double>, Workspace<double>& w) const {
  if (e.k > 0) throw InputError("field: a function of Python has no trace");
  value(x, f, w);
}

void PythonField::pullback(const FieldPoint<double>& x, const TangentDirections<double>& e,
                           ConstMatrixRef<double> f_bar, ConstMatrixRef<double>, FieldCotangent<double> out,
                           Workspace<double>&) const {
  if (e.k > 0) throw InputError("field: a function of Python has no trace");
  if (vjp_.is_none()) throw InputError("vjp: pass one to differentiate the solution");
  py::object z_bar = vjp_(x.t, array_of(x.z), array_of(f_bar)), theta_bar = py::none(), t_bar = py::none();
  if (py::isinstance<py::tuple>(z_bar)) {
    const auto parts = z_bar.cast<py::tuple>();
    if (parts.empty() || parts.size() > 3)
      throw InputError("vjp: expected to return z_bar, or a tuple of it, theta_bar and t_bar");
    if (parts.size() > 1) theta_bar = parts[1];
    if (parts.size() > 2) t_bar = parts[2];
    z_bar = parts[0];
  }
  read(z_bar, "vjp", out.z);
  if (out.theta.size() == 0) return;
  if (!theta_bar.is_none()) {
    const auto array = py::array_t<double, py::array::c_style | py::array::forcecast>::ensure(theta_bar);
    if (!array || array.ndim() != 1 || array.shape(0) != parameters_)
      throw InputError("vjp: expected theta_bar of the shape (" + std::to_string(parameters_) + ",)");
    out.theta.head(parameters_) += Eigen::Map<const Vector<double>>(array.data(), array.shape(0));
  }
  if (!t_bar.is_none()) *out.t += t_bar.cast<double>();
}

}  // namespace pathline::python

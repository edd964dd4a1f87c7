#include "arrays.hpp"

#include <cmath>
#include <string>

#include "pathline/core/error.hpp"

namespace py = pybind11;

namespace pathline::python {
namespace {

bool is_plain(const py::array& array, char kind, py::ssize_t size) {
  return array.dtype().kind() == kind && array.dtype().itemsize() == size && array.dtype().byteorder() == '=' &&
         (array.flags() & py::array::c_style) && (array.flags() & py::detail::npy_api::NPY_ARRAY_ALIGNED_);
}

std::string shape_text(const py::array& array) { return py::str(array.attr("shape")); }

py::array as_double(const py::object& x, const char* what) {
  if (py::isinstance<py::array>(x) && x.cast<py::array>().dtype().kind() == 'c')
    throw InputError(std::string(what) + ": expected real numbers, found complex ones");
  if (py::isinstance<py::array>(x) && std::string("mM").find(x.cast<py::array>().dtype().kind()) != std::string::npos)
    throw InputError(std::string(what) + ": expected numbers, found times");
  auto converted = py::array_t<double, py::array::c_style | py::array::forcecast>::ensure(x);  // clears the error
  if (!converted) throw InputError(std::string(what) + ": expected an array of numbers");
  return converted;
}

}  // namespace

Rows::Rows(const py::object& x, Index columns, const char* what) : columns_(columns) {
  const bool is_array = py::isinstance<py::array>(x);
  if (is_array) array_ = x.cast<py::array>();
  single_ = is_array && is_plain(array_, 'f', 4);
  if (!single_ && !(is_array && is_plain(array_, 'f', 8))) array_ = as_double(x, what);
  if (array_.ndim() == 2 && array_.shape(1) == columns) {
    count_ = array_.shape(0);
  } else if (array_.ndim() == 1 && columns == 1) {
    count_ = array_.shape(0);
  } else if ((array_.ndim() == 1 && array_.shape(0) == columns) || (array_.ndim() == 0 && columns == 1)) {
    count_ = 1, one_ = true;
  } else {
    const std::string d = std::to_string(columns);
    throw InputError(std::string(what) + " has the shape " + shape_text(array_) + "; expected (n, " + d + "), or " +
                     (columns == 1 ? "(n,)" : "(" + d + ",) for one row"));
  }
}

ConstMatrixRef<double> Rows::part(Index first, Index n, bool repeat, Matrix<double>& buffer) const {
  const bool repeated = count_ == 1 && repeat;
  if (repeated) first = 0;
  const auto take = [&](const auto* data) {
    using S = std::decay_t<decltype(*data)>;
    return ConstMatrixMap<S>(data + first * columns_, columns_, repeated ? 1 : n);
  };
  if (!single_ && !repeated) return take(static_cast<const double*>(array_.data()));
  const Matrix<double> rows = single_ ? Matrix<double>(take(static_cast<const float*>(array_.data())).cast<double>())
                                      : Matrix<double>(take(static_cast<const double*>(array_.data())));
  buffer = repeated ? Matrix<double>(rows.replicate(1, n)) : rows;
  return buffer;
}

void require_finite(const char* what, ConstMatrixRef<double> values) {
  for (Index row = 0; row < values.cols(); ++row)
    for (Index column = 0; column < values.rows(); ++column)
      if (!std::isfinite(values(column, row)))
        throw InputError(std::string(what) + ": row " + std::to_string(row + 1) + ", column " +
                         std::to_string(column + 1) + " is not finite");
}

Matrix<double> finite_matrix(const Rows& rows, const char* what, Index n) {
  Matrix<double> buffer;
  Matrix<double> out = rows.part(0, n, true, buffer);
  require_finite(what, out);
  return out;
}

py::array_t<double> new_points(Index n, Index d, bool one) {
  return one ? py::array_t<double>(d) : py::array_t<double>({n, d});
}

py::array_t<double> new_values(Index n, bool one) {
  return one ? py::array_t<double>(std::vector<py::ssize_t>{}) : py::array_t<double>(n);
}

}  // namespace pathline::python

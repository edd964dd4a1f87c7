// Arrays of NumPy as matrices: (n, d) in C order is d x n in memory, so most arrays are used where they are.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include "pathline/core/types.hpp"

namespace pathline::python {

// Rows of numbers that an array holds. It keeps the array alive. Reading needs no GIL.
class Rows {
 public:
  // x: (n, columns); (columns) for one row, or (n) if columns is 1. float64 and float32 in C order are not copied,
  // everything else becomes float64 in C order. what: the argument's name. InputError for another shape and for what
  // are not real numbers.
  Rows(const pybind11::object& x, Index columns, const char* what);

  Index count() const { return count_; }
  Index columns() const { return columns_; }
  bool is_one_row() const { return one_; }  // of an array without an axis for the rows

  // Rows first ... first + n - 1 as columns x n. If repeat is true, a single row stands for any number of rows.
  // buffer is for rows that are not in double precision or are repeated.
  ConstMatrixRef<double> part(Index first, Index n, bool repeat, Matrix<double>& buffer) const;

 private:
  pybind11::array array_;
  Index count_ = 0, columns_ = 0;
  bool one_ = false, single_ = false;  // single: float32
};

// InputError that names the first row of `values`, one a column, with a number that is not finite. what: the argument.
void require_finite(const char* what, ConstMatrixRef<double> values);
// The rows as a matrix, columns x n, of finite numbers; a single row stands for n rows.
Matrix<double> finite_matrix(const Rows& rows, const char* what, Index n);

// A new array that owns its memory: (n, d), or (d) for one point.
pybind11::array_t<double> new_points(Index n, Index d, bool one);
// The same of one number a point: (n), or () for one point.
pybind11::array_t<double> new_values(Index n, bool one);

}  // namespace pathline::python

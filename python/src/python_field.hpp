// A vector field that is a function of Python.
#pragma once

#include <memory>

#include <pybind11/pybind11.h>

#include "pathline/field/vector_field.hpp"

namespace pathline::python {

// f(t, z), where value(t, z) takes and returns arrays (n, d). vjp(t, z, f_bar), or None, returns z_bar, or a tuple of
// z_bar, theta_bar (P) or None, and t_bar, which has the derivative by t summed over the rows. All functions need the
// GIL and run on one thread. It has no trace.
class PythonField final : public VectorField<double> {
 public:
  PythonField(Index dim, pybind11::object value, pybind11::object vjp, Index parameters);
  Index parameter_count() const { return parameters_; }
  std::unique_ptr<VectorField<double>> clone() const override { return std::make_unique<PythonField>(*this); }
  std::string kind() const override { return "python"; }
  void value(const FieldPoint<double>& x, MatrixRef<double> f, Workspace<double>& w) const override;
  void tangents(const FieldPoint<double>& x, const TangentDirections<double>& e, MatrixRef<double> f,
                MatrixRef<double> je, Workspace<double>& w) const override;
  void pullback(const FieldPoint<double>& x, const TangentDirections<double>& e, ConstMatrixRef<double> f_bar,
                ConstMatrixRef<double> je_bar, FieldCotangent<double> out, Workspace<double>& w) const override;

 private:
  pybind11::object value_, vjp_;
  Index parameters_;
};

}  // namespace pathline::python

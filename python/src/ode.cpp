#include "ode.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <pybind11/stl.h>

#include "arrays.hpp"
#include "flow.hpp"
#include "pathline/core/error.hpp"
#include "pathline/core/random.hpp"
#include "pathline/field/mlp.hpp"
#include "python_field.hpp"

namespace py = pybind11;
using namespace py::literals;

namespace pathline::python {
namespace {

using Field = VectorField<double>;
using Array = py::array_t<double, py::array::c_style>;

// Theta as arrays of Python see it: a copy.
Array theta_of(const Field& field) {
  Array out(field.theta().size());
  std::copy_n(field.theta().data(), field.theta().size(), out.mutable_data());
  return out;
}

void set_theta(Field& field, const py::object& theta) {
  const Index size = field.theta().size();
  const auto array = py::array_t<double, py::array::c_style | py::array::forcecast>::ensure(theta);
  if (!array || array.ndim() != 1 || array.shape(0) != size)
    throw InputError("theta: expected an array of the shape (" + std::to_string(size) + ",)");
  for (Index i = 0; i < size; ++i)
    if (!std::isfinite(array.at(i)))
      throw InputError("theta[" + std::to_string(i) + "] = " + std::to_string(array.at(i)) + ": must be finite");
  field.set_theta(Eigen::Map<const Vector<double>>(array.data(), size));
}

// (name, shape, offset) of each array in theta.
py::list parameters_of(const Field& field) {
  py::list out;
  for (const auto& p : field.parameters()) out.append(py::make_tuple(p.name, py::make_tuple(p.rows, p.cols), p.offset));
  return out;
}

std::shared_ptr<Mlp<double>> make_mlp(Index dim, std::vector<Index> hidden, Index condition_dim,
                                      const std::string& layer, const std::string& activation, bool residual,
                                      Index time_features, std::uint64_t seed) {
  auto out = std::make_shared<Mlp<double>>(MlpOptions{.dim = dim,
                                                      .condition_dim = condition_dim,
                                                      .hidden = std::move(hidden),
                                                      .layer = parse_layer_type(layer),
                                                      .activation = parse_activation(activation),
                                                      .residual = residual,
                                                      .time_features = time_features});
  Engine engine = make_stream(seed, "python.mlp");
  out->initialize(engine);
  return out;
}

// Odeint with what its last solve had, so that a field that is changed later does no harm.
class PyOdeint {
 public:
  explicit PyOdeint(const py::dict& options) : ode_(odeint_options(options)) {}

  // (T, n, d)
  Array solve(const Field& field, const py::object& z0, const std::vector<double>& times, const py::object& condition) {
    const Busy busy(busy_);
    const Rows rows(z0, field.dim(), "z0");
    const Index n = rows.count(), d = field.dim();
    if (n < 1) throw InputError("z0: no rows");
    const Matrix<double> start = finite_matrix(rows, "z0", n);
    const Matrix<double> c = condition_of(field, condition, n);
    solved_ = false, field_ = field.clone(), in_python_ = dynamic_cast<const PythonField*>(&field) != nullptr;
    const Matrix<double>* states = nullptr;
    unlocked([&] { states = &ode_.solve(*field_, start, times, c); });
    if (!ode_.report().ok()) throw NumericalError(ode_.report().advice());
    solved_ = true, times_ = static_cast<Index>(times.size()), batch_ = n;
    Array out({times_, n, d});
    std::copy_n(states->data(), states->size(), out.mutable_data());
    return out;
  }

  py::dict pullback(const py::object& states_bar) {
    const Busy busy(busy_);
    if (!solved_) throw InputError("pullback: no solution to differentiate");
    const Index d = field_->dim();
    const auto array = py::array_t<double, py::array::c_style | py::array::forcecast>::ensure(states_bar);
    if (!array || array.ndim() != 3 || array.shape(0) != times_ || array.shape(1) != batch_ || array.shape(2) != d)
      throw InputError("states_bar: expected an array of the states' shape (" + std::to_string(times_) + ", " +
                       std::to_string(batch_) + ", " + std::to_string(d) + ")");
    const ConstMatrixMap<double> bar(array.data(), d, times_ * batch_);
    require_finite("states_bar", bar);
    const OdeintGradient<double>* g = nullptr;
    unlocked([&] { g = &ode_.pullback(*field_, bar); });
    const auto rows = [&](const Matrix<double>& m) {
      Array out({m.cols(), m.rows()});
      std::copy_n(m.data(), m.size(), out.mutable_data());
      return out;
    };
    const auto row = [](const Vector<double>& v) {
      Array out(v.size());
      std::copy_n(v.data(), v.size(), out.mutable_data());
      return out;
    };
    const auto* python = dynamic_cast<const PythonField*>(field_.get());
    const Index parameters = python ? python->parameter_count() : field_->theta().size();
    return py::dict("z0"_a = rows(g->z0), "theta"_a = row(g->theta.head(parameters)), "times"_a = row(g->times),
                    "condition"_a = rows(g->condition));
  }

  Index evaluations() const { return ode_.report().evaluations; }

 private:
  // The memory of a solve is the object's.
  class Busy {
   public:
    explicit Busy(std::atomic<bool>& flag) : flag_(flag) {
      if (flag_.exchange(true)) throw InputError("this solution is in use by another thread");
    }
    ~Busy() { flag_ = false; }
    Busy(const Busy&) = delete;
    Busy& operator=(const Busy&) = delete;

   private:
    std::atomic<bool>& flag_;
  };

  static Matrix<double> condition_of(const Field& field, const py::object& condition, Index n) {
    const Index columns = field.condition_dim();
    if (columns == 0 && condition.is_none()) return Matrix<double>(0, 0);
    if (columns == 0) throw InputError("condition: the field has no condition");
    if (condition.is_none())
      throw InputError("condition: the field needs one of " + std::to_string(columns) + " columns");
    const Rows rows(condition, columns, "condition");
    if (rows.count() != 1 && rows.count() != n)
      throw InputError("condition has " + std::to_string(rows.count()) + " rows; z0 has " + std::to_string(n));
    return finite_matrix(rows, "condition", n);
  }

  template <class F> void unlocked(F f) {
    std::optional<py::gil_scoped_release> released;
    if (!in_python_) released.emplace();
    f();
  }

  Odeint<double> ode_;
  std::unique_ptr<Field> field_;
  bool in_python_ = false, solved_ = false;
  Index times_ = 0, batch_ = 0;
  std::atomic<bool> busy_{false};
};

// f(t, z; c) of a field of the library, (n, d).
py::object value_of(const Field& field, double t, const py::object& z, const py::object& condition) {
  const Rows rows(z, field.dim(), "z");
  Matrix<double> z_buffer, c_buffer;
  Matrix<double> c(0, 0);
  if (field.condition_dim() > 0) {
    if (condition.is_none()) throw InputError("condition: the field needs one");
    c = Rows(condition, field.condition_dim(), "condition").part(0, rows.count(), true, c_buffer);
    if (c.cols() != rows.count()) throw InputError("condition: expected a row for each of z");
  }
  const Matrix<double> points = rows.part(0, rows.count(), false, z_buffer);
  auto out = new_points(rows.count(), field.dim(), rows.is_one_row());
  Workspace<double> workspace;
  MatrixMap<double> f(out.mutable_data(), field.dim(), rows.count());
  if (rows.count() > 0) field.value({t, points, c}, f, workspace);
  return out;
}

}  // namespace

OdeintOptions odeint_options(const py::dict& options) {
  OdeintOptions out;
  out.threads = kAllCores;
  for (const auto& [key, value] : options) {
    const auto name = key.cast<std::string>();
    try {
      if (name == "adjoint")
        out.adjoint = parse_adjoint(value.cast<std::string>());
      else if (name == "stepper")
        out.solver.stepper = parse_stepper(value.cast<std::string>());
      else if (name == "rtol")
        out.solver.rtol = value.cast<double>();
      else if (name == "atol")
        out.solver.atol = value.cast<double>();
      else if (name == "steps")
        out.solver.steps = value.cast<Index>();
      else if (name == "max_steps")
        out.solver.max_steps = value.cast<Index>();
      else if (name == "tile")
        out.tile = value.cast<Index>();
      else if (name == "threads")
        out.threads = value.cast<std::optional<int>>().value_or(kAllCores);
      else
        throw InputError("unknown option '" + name + "'");
    } catch (const py::cast_error&) {
      throw InputError(name + " = " + std::string(py::repr(value)) + ": not a value of this option");
    }
  }
  if (out.threads < 0) throw InputError("threads = " + std::to_string(out.threads) + ": must be >= 0");
  return out;
}

void bind_ode(py::module_& module) {
  py::class_<Field, std::shared_ptr<Field>>(module, "Field", "A vector field in the core library.")
      .def_property("theta", &theta_of, &set_theta)
      .def("clone", [](const Field& field) { return std::shared_ptr<Field>(field.clone()); })
      .def_property_readonly("parameters", &parameters_of)
      .def_property_readonly("dim", &Field::dim)
      .def_property_readonly("condition_dim", &Field::condition_dim)
      .def("__call__", &value_of, "t"_a, "z"_a, "condition"_a = py::none());
  module.def(
      "mlp",
      [](Index dim, std::vector<Index> hidden, Index condition_dim, const std::string& layer,
         const std::string& activation, bool residual, Index time_features, std::uint64_t seed) {
        return std::static_pointer_cast<Field>(
            make_mlp(dim, std::move(hidden), condition_dim, layer, activation, residual, time_features, seed));
      },
      "dim"_a, "hidden"_a, "condition_dim"_a, "layer"_a, "activation"_a, "residual"_a, "time_features"_a, "seed"_a);
  module.def(
      "python_field",
      [](Index dim, py::object value, py::object vjp, Index parameters) {
        return std::static_pointer_cast<Field>(
            std::make_shared<PythonField>(dim, std::move(value), std::move(vjp), parameters));
      },
      "dim"_a, "value"_a, "vjp"_a, "parameters"_a);
  py::class_<PyOdeint>(module, "Odeint", "The solution of an initial value problem in the core library.")
      .def(py::init<const py::dict&>(), "options"_a)
      .def("solve", &PyOdeint::solve, "field"_a, "z0"_a, "times"_a, "condition"_a)
      .def("pullback", &PyOdeint::pullback, "states_bar"_a)
      .def_property_readonly("evaluations", &PyOdeint::evaluations);
}

}  // namespace pathline::python

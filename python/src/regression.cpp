#include "regression.hpp"

#include <string>
#include <utility>
#include <vector>

#include <pybind11/stl.h>

#include "arrays.hpp"
#include "flow.hpp"
#include "listener.hpp"
#include "ode.hpp"
#include "pathline/core/error.hpp"
#include "pathline/train/fit_regression.hpp"

namespace py = pybind11;
using namespace py::literals;

namespace pathline::python {
namespace {

// The value of an option, which is taken out of the dictionary.
template <class T> T take(py::dict& options, const char* name, T otherwise) {
  if (!options.contains(name)) return otherwise;
  const py::object value = options[name];
  options.attr("pop")(name);
  try {
    return value.cast<T>();
  } catch (const py::cast_error&) {
    throw InputError(std::string(name) + " = " + std::string(py::repr(value)) + ": not a value of this option");
  }
}

template <class T> T one_of(const std::string& name, const std::string& value, const std::vector<std::string>& names) {
  for (std::size_t i = 0; i < names.size(); ++i)
    if (names[i] == value) return static_cast<T>(i);
  std::string text = name + " = '" + value + "': must be ";
  for (std::size_t i = 0; i < names.size(); ++i) text += (i > 0 ? " or '" : "'") + names[i] + "'";
  throw InputError(text);
}

struct Fit {
  RegressionSpec spec;
  FitRegressionOptions options;
};

// What is left in the dictionary are options of the solve.
Fit fit_of(py::dict o) {
  Fit out;
  auto& spec = out.spec;
  spec.kind = parse_regressor(take<std::string>(o, "model", "neural_ode"));
  spec.hidden = take<std::vector<Index>>(o, "hidden", spec.hidden);
  spec.activation = parse_activation(take<std::string>(o, "activation", "tanh"));
  spec.augmented = take<Index>(o, "augmented", 0), spec.blocks = take<Index>(o, "blocks", spec.blocks);
  spec.share_weights = take<bool>(o, "share_weights", false);
  spec.maps.readout =
      one_of<RegressorOptions::Readout>("readout", take<std::string>(o, "readout", "linear"), {"first", "linear"});
  auto& training = out.options;
  training.start = one_of<WeightStart>("weights", take<std::string>(o, "weights", "uniform"), {"uniform", "normal"});
  training.standardize = take<bool>(o, "standardize", true);
  training.fit.batch = take<Index>(o, "batch", 0), training.fit.seed = take<std::uint64_t>(o, "seed", 0);
  auto& optimizer = training.fit.optimizer;
  optimizer.optimizer = parse_optimizer(take<std::string>(o, "optimizer", "adam"));
  optimizer.iterations = take<Index>(o, "iterations", optimizer.iterations);
  optimizer.learning_rate = take<double>(o, "learning_rate", optimizer.learning_rate);
  optimizer.schedule =
      one_of<Schedule::Kind>("schedule", take<std::string>(o, "schedule", "cosine"), {"constant", "cosine"});
  optimizer.weight_decay = take<double>(o, "weight_decay", 0), optimizer.clip = take<double>(o, "clip", 0);
  if (!o.contains("rtol")) o["rtol"] = spec.solve.solver.rtol;
  if (!o.contains("atol")) o["atol"] = spec.solve.solver.atol;
  spec.solve = odeint_options(o);
  spec.solve.solver.check();
  return out;
}

SavedRegression fit_to(const py::object& x, const py::object& y, Index inputs, Index outputs,
                       const std::vector<std::string>& input_names, const std::vector<std::string>& target_names,
                       const py::dict& options, const py::object& progress) {
  const Rows x_rows(x, inputs, "x"), y_rows(y, outputs, "y");
  auto fit = fit_of(options.attr("copy")().cast<py::dict>());
  Listener listener;
  struct Stopped {};
  const Index last = fit.options.fit.optimizer.iterations;
  fit.options.fit.optimizer.progress = [&](Index iteration, double loss) {
    listener.report(progress, iteration == last,
                    [&] { return py::dict("iteration"_a = iteration, "iterations"_a = last, "loss"_a = loss); });
    if (listener.stop()) throw Stopped{};
  };
  SavedRegression out;
  try {
    const py::gil_scoped_release released;
    Matrix<double> x_buffer, y_buffer;
    out = fit_regression(fit.spec, x_rows.part(0, x_rows.count(), false, x_buffer),
                         y_rows.part(0, y_rows.count(), false, y_buffer), fit.options);
  } catch (const Stopped&) {
  }
  listener.rethrow();
  out.inputs = input_names, out.targets = target_names;
  return out;
}

py::object predict(const SavedRegression& model, const py::object& x, std::optional<int> threads) {
  const Rows rows(x, model.x_mean.size(), "x");
  auto out = new_points(rows.count(), model.y_mean.size(), rows.is_one_row());
  if (rows.count() == 0) return out;
  Matrix<double> y;
  {
    const py::gil_scoped_release released;
    const Matrix<double> points = finite_matrix(rows, "x", rows.count());
    SavedRegression copy = model;
    copy.spec.solve.threads = threads.value_or(kAllCores);
    y = copy.predict(points);
  }
  std::copy_n(y.data(), y.size(), out.mutable_data());
  return out;
}

py::array_t<double> theta_of(const SavedRegression& model) {
  py::array_t<double> out(model.theta.size());
  std::copy_n(model.theta.data(), model.theta.size(), out.mutable_data());
  return out;
}

}  // namespace

void bind_regression(py::module_& module) {
  py::class_<SavedRegression>(module, "Regression", "A regression model in the core library.")
      .def(py::init(&read_regression), "file"_a)
      .def("predict", &predict, "x"_a, "threads"_a)
      .def(
          "save", [](const SavedRegression& model, const std::string& file) { write_regression(file, model); },
          "file"_a)
      .def_property_readonly("model", [](const SavedRegression& model) { return to_string(model.spec.kind); })
      .def_property_readonly("inputs", [](const SavedRegression& model) { return model.inputs; })
      .def_property_readonly("targets", [](const SavedRegression& model) { return model.targets; })
      .def_property_readonly("theta", &theta_of);
  module.def("fit_regression", &fit_to, "x"_a, "y"_a, "inputs"_a, "outputs"_a, "input_names"_a, "target_names"_a,
             "options"_a, "progress"_a);
}

}  // namespace pathline::python

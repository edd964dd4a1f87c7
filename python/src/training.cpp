#include "training.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include "flow.hpp"
#include "pathline/core/error.hpp"
#include "pathline/data/toy.hpp"
#include "pathline/recipe/train_recipe.hpp"

namespace py = pybind11;
using namespace py::literals;

namespace pathline::python {
namespace {

using Array = py::array_t<double, py::array::c_style>;

py::dict dict_of(const Evaluation& e) {
  return py::dict("nll"_a = e.nll, "nll_error"_a = e.nll_error, "points"_a = e.points, "nfe"_a = e.nfe, "kl"_a = e.kl,
                  "kl_error"_a = e.kl_error, "ess"_a = e.ess, "log_z"_a = e.log_z, "log_z_error"_a = e.log_z_error,
                  "pareto_k"_a = e.pareto_k);
}

py::dict dict_of(const TrainingResult& r) {
  return py::dict("iterations"_a = r.iterations, "best_iteration"_a = r.best_iteration,
                  "stopped_early"_a = r.stopped_early, "seconds"_a = r.seconds, "entropy"_a = r.entropy,
                  "validation"_a = dict_of(r.validation), "test"_a = dict_of(r.test));
}

py::dict dict_of(const TrainingProgress& p) {
  py::dict out("iteration"_a = p.iteration, "iterations"_a = p.iterations, "stage"_a = p.stage, "stages"_a = p.stages,
               "kind"_a = p.kind, "loss"_a = p.loss, "nfe"_a = p.nfe, "backward_nfe"_a = p.backward_nfe,
               "learning_rate"_a = p.learning_rate, "samples_per_second"_a = p.samples_per_second,
               "seconds"_a = p.seconds, "seconds_left"_a = p.seconds_left, "best"_a = p.best,
               "validation"_a = py::none());
  if (p.validation) out["validation"] = dict_of(*p.validation);
  return out;
}

// Talks to Python from a training that runs without the GIL: looks for signals, and reports. What Python raises stops
// the run, which saves, and is raised when the run has ended.
class Listener {
 public:
  Listener(py::object progress, py::object note) : progress_(std::move(progress)), note_(std::move(note)) {}

  bool stop() {
    if (!error_ && is_time(asked_)) guarded([] {
      if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    });
    return error_.has_value();
  }

  void progress(const TrainingProgress& p) {
    if (progress_.is_none() || error_) return;
    if (is_time(reported_) || p.validation || p.iteration == p.iterations) guarded([&] { progress_(dict_of(p)); });
  }

  void note(const std::string& text) {
    if (!note_.is_none() && !error_) guarded([&] { note_(text); });
  }

  // With the GIL, after the run.
  void rethrow() {
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    if (error_) throw *error_;
  }

 private:
  using Clock = std::chrono::steady_clock;

  template <class F> void guarded(F f) {
    const py::gil_scoped_acquire acquired;
    try {
      f();
    } catch (py::error_already_set& error) {
      error_ = error;
    }
  }

  // True ten times a second, so that a fast training does not wait for the GIL.
  static bool is_time(Clock::time_point& last) {
    const auto now = Clock::now();
    if (now - last < std::chrono::milliseconds(100)) return false;
    last = now;
    return true;
  }

  py::object progress_, note_;
  std::optional<py::error_already_set> error_;
  Clock::time_point asked_ = {}, reported_ = {};
};

Recipe recipe_of(const std::string& toml, const std::string& name, const std::vector<std::string>& assignments) {
  Recipe recipe = parse_recipe(toml, name);
  for (const auto& assignment : assignments) set(recipe, assignment);
  check_recipe(recipe);
  return recipe;
}

py::dict train(const Recipe& recipe, const std::optional<Array>& table, const std::vector<std::string>& columns,
               const std::string& directory, bool resume, bool replace, std::optional<int> threads,
               py::object progress, py::object note) {
  Listener listener(std::move(progress), std::move(note));
  TrainingOptions options{.directory = directory,
                          .resume = resume,
                          .replace = replace,
                          .progress = [&](const TrainingProgress& p) { listener.progress(p); },
                          .stop = [&] { return listener.stop(); },
                          .threads = threads.value_or(default_threads()),
                          .note = [&](const std::string& text) { listener.note(text); }};
  std::optional<TableView> view;
  if (table) {
    view.emplace(TableView{ConstMatrixMap<double>(table->data(), table->shape(1), table->shape(0)), columns});
    options.table = &*view;
  }
  TrainingResult result;
  {
    const py::gil_scoped_release released;
    result = train_recipe(recipe, options);
  }
  listener.rethrow();
  return dict_of(result);
}

}  // namespace

void bind_training(py::module_& module) {
  py::class_<Recipe>(module, "Recipe", "A recipe in the core library.")
      .def(py::init(&recipe_of), "toml"_a = "", "name"_a = "recipe", "assignments"_a = std::vector<std::string>{})
      .def("to_toml", [](const Recipe& recipe) { return to_toml(recipe); });
  module.def("is_toy", &is_toy, "name"_a);
  module.def("read_recipe", &read_recipe, "path"_a);
  module.def("recipe_of_run", &recipe_of_run, "directory"_a);
  module.def("recipe_keys", [] {
    std::vector<py::dict> keys;
    for (const auto& key : recipe_keys())
      keys.push_back(py::dict("key"_a = key.key, "default"_a = key.default_value, "allowed"_a = key.range,
                              "description"_a = key.description));
    return keys;
  });
  module.def("train", &train, "recipe"_a, "table"_a, "columns"_a, "directory"_a, "resume"_a, "replace"_a, "threads"_a,
             "progress"_a, "note"_a);
}

}  // namespace pathline::python

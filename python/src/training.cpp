#include "training.hpp"

#include <optional>
#include <string>
#include <vector>

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include "flow.hpp"
#include "listener.hpp"
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

Recipe recipe_of(const std::string& toml, const std::string& name, const std::vector<std::string>& assignments) {
  Recipe recipe = parse_recipe(toml, name);
  for (const auto& assignment : assignments) set(recipe, assignment);
  check_recipe(recipe);
  return recipe;
}

py::dict train(const Recipe& recipe, const std::optional<Array>& table, const std::vector<std::string>& columns,
               const std::string& directory, bool resume, bool replace, std::optional<int> threads,
               const py::object& progress, const py::object& note) {
  Listener listener;
  const auto report = [&](const TrainingProgress& p) {
    listener.report(progress, p.validation || p.iteration == p.iterations, [&] { return dict_of(p); });
  };
  TrainingOptions options{
      .directory = directory,
      .resume = resume,
      .replace = replace,
      .progress = report,
      .stop = [&] { return listener.stop(); },
      .threads = threads.value_or(kAllCores),
      .note = [&](const std::string& text) { listener.report(note, true, [&] { return py::str(text); }); }};
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

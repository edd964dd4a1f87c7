#include "verification.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "arrays.hpp"
#include "flow.hpp"
#include "listener.hpp"
#include "pathline/core/error.hpp"
#include "pathline/recipe/verify_model.hpp"

namespace py = pybind11;
using namespace py::literals;

namespace pathline::python {
namespace {

const char* name(Verdict verdict) {
  return verdict == Verdict::pass ? "pass" : verdict == Verdict::fail ? "fail" : "skipped";
}

py::dict dict_of(const Check& c) {
  py::dict out("name"_a = c.name, "figure"_a = c.figure, "bound"_a = c.bound,
               "side"_a = c.side == Check::Side::at_most ? "at most" : "at least", "error"_a = py::none(),
               "verdict"_a = name(c.verdict), "detail"_a = c.detail);
  if (c.error) out["error"] = *c.error;
  return out;
}

// file: the flow as it was saved; x: None for what its recipe has. done(check) is called after each check, and what it
// raises ends them.
py::list verify_flow(const PyFlow& flow, const std::string& file, const py::object& x, const py::object& condition,
                     std::uint64_t seed, const py::object& done) {
  Comparison given;
  if (!x.is_none()) {
    const Rows points(x, flow.dim(), "x");
    if (points.count() == 0) throw InputError("x: no rows");
    given.x = finite_matrix(points, "x", points.count());
    if (const auto conditions = flow.condition_rows(condition, points.count()))
      given.c = finite_matrix(*conditions, "condition", points.count());
    given.name = std::to_string(points.count()) + " rows";
  }
  const auto comparison = [&](const ModelCard& card, Index dim, Index condition_dim) {
    if (given.name.empty()) return comparison_by_recipe(card, dim, condition_dim, seed);
    dequantize_as_in_training(given.x, card, seed);
    return given;
  };
  Listener listener;
  const auto report = [&](const Check& check) {
    listener.report(done, true, [&] { return dict_of(check); });
    if (listener.stop()) throw NumericalError("stopped");
  };
  const EvaluationOptions how = flow.options(0);
  std::vector<Check> checks;
  try {
    const py::gil_scoped_release released;
    checks = verify_model(file, comparison,
                          {.seed = seed,
                           .threads = how.threads,
                           .evaluation = how.solver,
                           .precision = flow.precision(),
                           .done = report});
  } catch (const NumericalError&) {
    if (!listener.stop()) throw;
  }
  listener.rethrow();
  py::list out;
  for (const auto& check : checks) out.append(dict_of(check));
  return out;
}

}  // namespace

void bind_verification(py::module_& module) {
  module.def("verify", &verify_flow, "flow"_a, "file"_a, "x"_a, "condition"_a, "seed"_a, "done"_a);
}

}  // namespace pathline::python

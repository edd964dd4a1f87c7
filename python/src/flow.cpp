#include "flow.hpp"

#include <algorithm>
#include <utility>

#include <pybind11/stl.h>

#include "pathline/core/error.hpp"
#include "pathline/flow/flow_mixture.hpp"

namespace py = pybind11;
using namespace py::literals;

namespace pathline::python {
namespace {

std::variant<Flow<float>, Flow<double>> read_flow(const std::string& file, const std::string& precision) {
  if (precision == "float") return read_model<float>(file).flow;
  if (precision == "double") return read_model<double>(file).flow;
  throw InputError("precision = '" + precision + "': must be 'float' or 'double'");
}

// Sets one option. InputError for one that there is not.
void set_option(EvaluationOptions& o, const std::string& name, const py::handle& value) {
  if (name == "stepper")
    o.solver.stepper = parse_stepper(value.cast<std::string>());
  else if (name == "rtol")
    o.solver.rtol = value.cast<double>();
  else if (name == "atol")
    o.solver.atol = value.cast<double>();
  else if (name == "steps")
    o.solver.steps = value.cast<Index>();
  else if (name == "max_steps")
    o.solver.max_steps = value.cast<Index>();
  else if (name == "probes")
    o.trace.probes = value.cast<Index>();
  else if (name == "tile")
    o.tile = value.cast<Index>();
  else if (name == "seed")
    o.seed = value.cast<std::uint64_t>();
  else if (name == "trace") {
    const auto kind = value.cast<std::string>();
    if (kind != "exact" && kind != "hutchinson")
      throw InputError("trace = '" + kind + "': must be 'exact' or 'hutchinson'");
    o.trace.kind = kind == "exact" ? TraceKind::exact : TraceKind::hutchinson;
  } else
    throw InputError("unknown option '" + name + "'");
}

void require_positive(const char* name, Index value) {
  if (value < 1) throw InputError(std::string(name) + " = " + std::to_string(value) + ": must be >= 1");
}

// A copy of `part` (d x n) as the rows from `first` of `out`.
template <class S> void put(py::array_t<double>& out, Index first, const Matrix<S>& part) {
  MatrixMap<double>(out.mutable_data() + first * part.rows(), part.rows(), part.cols()) = part.template cast<double>();
}

void put(py::array_t<double>& out, Index first, const RowVector<double>& part) {
  std::copy_n(part.data(), part.size(), out.mutable_data() + first);
}

// A number instead of an array without axes.
py::object number_or_array(py::array_t<double> values) { return values[py::tuple(0)]; }

}  // namespace

PyFlow::PyFlow(const std::string& file, const std::string& precision) {
  auto card = read_card(file);
  const std::string chosen = precision.empty() ? card.precision : precision;
  options_.solver = card.evaluation;
  model_ = std::make_shared<Shared>(Shared{std::move(card), read_flow(file, chosen)});
}

Index PyFlow::dim() const {
  return with_flow([](const auto& flow) { return flow.dim(); });
}
Index PyFlow::condition_dim() const {
  return with_flow([](const auto& flow) { return flow.condition_dim(); });
}

PyFlow PyFlow::with_options(const py::dict& changes) const {
  PyFlow out = *this;
  for (const auto& [key, value] : changes) {
    const auto name = key.cast<std::string>();
    try {
      if (name == "threads")
        out.threads_ = value.cast<std::optional<int>>();
      else
        set_option(out.options_, name, value);
    } catch (const py::cast_error&) {
      throw InputError(name + " = " + std::string(py::repr(value)) + ": not a value of this option");
    }
  }
  out.options_.solver.check();
  require_positive("tile", out.options_.tile), require_positive("probes", out.options_.trace.probes);
  if (out.threads_.value_or(0) < 0) throw InputError("threads = " + std::to_string(*out.threads_) + ": must be >= 0");
  if (out.options_.solver.steps > 0 && (changes.contains("rtol") || changes.contains("atol")))
    throw InputError("rtol and atol have no effect with fixed steps (steps = " +
                     std::to_string(out.options_.solver.steps) + "); pass steps=0 for step control");
  if (changes.contains("probes") && out.options_.trace.kind == TraceKind::exact)
    throw InputError("probes applies only to trace='hutchinson'; the trace is exact");
  return out;
}

EvaluationOptions PyFlow::options(Index first) const {
  EvaluationOptions out = options_;
  out.first = first, out.threads = threads_.value_or(kAllCores);
  return out;
}

std::optional<Rows> PyFlow::condition_rows(const py::object& condition, Index points) const {
  const Index columns = condition_dim();
  if (condition.is_none() && columns == 0) return std::nullopt;
  if (columns == 0) throw InputError("condition: the model has no condition");
  if (condition.is_none())
    throw InputError("condition: the model needs one, an array (n, " + std::to_string(columns) + ") or (" +
                     std::to_string(columns) + ",) for all points");
  Rows rows(condition, columns, "condition");
  if (rows.count() != 1 && rows.count() != points)
    throw InputError("condition has " + std::to_string(rows.count()) + " rows; there are " + std::to_string(points) +
                     " points");
  return rows;
}

// part(first, n) of points 0 ... n - 1, without the GIL. Between the parts a signal is looked for. The results do not
// depend on the parts, whose sizes are multiples of the tile.
template <class F> void PyFlow::in_parts(Index n, F part) const {
  constexpr Index kMost = 1 << 14;  // some tenths of a second on one core
  const Index size = std::max(options_.tile, kMost / options_.tile * options_.tile);
  for (Index first = 0; first == 0 || first < n; first += size) {
    if (first > 0 && PyErr_CheckSignals() != 0) throw py::error_already_set();
    const py::gil_scoped_release released;
    part(first, std::min(size, n - first));
  }
}

py::object PyFlow::log_prob(const py::object& x, const py::object& condition) const {
  const Rows points(x, dim(), "x");
  const auto conditions = condition_rows(condition, points.count());
  auto out = new_values(points.count(), points.is_one_row());
  Matrix<double> x_buffer, c_buffer;
  double* data = out.mutable_data();
  in_parts(points.count(), [&](Index first, Index n) {
    const auto part = points.part(first, n, false, x_buffer);
    with_flow([&](const auto& flow) {
      const RowVector<double> values =
          conditions ? flow.log_prob(part, conditions->part(first, n, true, c_buffer), options(first)).log_prob
                     : flow.log_prob(part, Matrix<double>(0, 0), options(first)).log_prob;
      std::copy_n(values.data(), n, data + first);
    });
  });
  return points.is_one_row() ? number_or_array(std::move(out)) : py::object(std::move(out));
}

py::object PyFlow::score(const py::object& x, const py::object& condition) const {
  const Rows points(x, dim(), "x");
  const auto conditions = condition_rows(condition, points.count());
  auto out = new_points(points.count(), dim(), points.is_one_row());
  Matrix<double> x_buffer, c_buffer;
  in_parts(points.count(), [&](Index first, Index n) {
    const auto o = options(first);
    const ScoreOptions score_options{
        .solver = o.solver, .trace = o.trace, .seed = o.seed, .first = first, .tile = o.tile, .threads = o.threads};
    const auto part = points.part(first, n, false, x_buffer);
    with_flow([&](const auto& flow) {
      put(out, first,
          conditions ? flow.score(part, conditions->part(first, n, true, c_buffer), score_options).score
                     : flow.score(part, Matrix<double>(0, 0), score_options).score);
    });
  });
  return out;
}

void PyFlow::refuse_ensemble(const char* function) const {
  with_flow([&](const auto& flow) {
    if (const auto* ensemble = flow.members())
      throw InputError(std::string(function) + ": the model is an ensemble of " +
                       std::to_string(ensemble->components()) +
                       " flows, which have no common map from a base to the data; use one of flow.members");
  });
}

std::vector<PyFlow> PyFlow::members() const {
  std::vector<PyFlow> out;
  with_flow([&](const auto& flow) {
    const auto* ensemble = flow.members();
    if (!ensemble) out.push_back(*this);
    for (Index k = 0; ensemble && k < ensemble->components(); ++k) {
      const auto at = static_cast<std::size_t>(k);
      Shared one{model_->card, ensemble->members()[at]};
      one.card.recipe = at < one.card.members.size() ? one.card.members[at] : "";
      one.card.members.clear(), one.card.metrics.clear(), one.card.digest.clear();
      out.push_back(*this);
      out.back().model_ = std::make_shared<const Shared>(std::move(one));
    }
  });
  return out;
}

py::object PyFlow::to_base(const py::object& x, const py::object& condition) const {
  refuse_ensemble("transform");
  const Rows points(x, dim(), "x");
  const auto conditions = condition_rows(condition, points.count());
  auto out = new_points(points.count(), dim(), points.is_one_row());
  Matrix<double> x_buffer, c_buffer;
  in_parts(points.count(), [&](Index first, Index n) {
    auto o = options(first);
    o.density = false;
    with_flow([&](const auto& flow) {
      const auto part = points.part(first, n, false, x_buffer);
      const Matrix<double> c =
          conditions ? Matrix<double>(conditions->part(first, n, true, c_buffer)) : Matrix<double>(0, 0);
      put(out, first, flow.log_prob(part, c, o).latent);
    });
  });
  return out;
}

py::object PyFlow::to_data(const py::object& z, const py::object& condition) const {
  refuse_ensemble("inverse_transform");
  const Rows points(z, dim(), "z");
  const auto conditions = condition_rows(condition, points.count());
  auto out = new_points(points.count(), dim(), points.is_one_row());
  Matrix<double> z_buffer, c_buffer;
  in_parts(points.count(), [&](Index first, Index n) {
    auto o = options(first);
    o.density = false;
    std::visit(
        [&]<class S>(const Flow<S>& flow) {
          const Matrix<S> part = points.part(first, n, false, z_buffer).template cast<S>();
          const Matrix<double> c =
              conditions ? Matrix<double>(conditions->part(first, n, true, c_buffer)) : Matrix<double>(0, 0);
          put(out, first, flow.push(part, o, c).points);
        },
        model_->flow);
  });
  return out;
}

py::object PyFlow::sample(Index n, std::uint64_t seed, const py::object& condition, bool density) const {
  if (n < 0) throw InputError("n = " + std::to_string(n) + ": must be >= 0");
  const auto conditions = condition_rows(condition, n);
  auto out = new_points(n, dim(), false);
  auto log_prob = new_values(density ? n : 0, false);
  Matrix<double> c_buffer;
  in_parts(n, [&](Index first, Index count) {
    auto o = options(first);
    o.density = density, o.seed = seed;
    with_flow([&](const auto& flow) {
      const Matrix<double> c =
          conditions ? Matrix<double>(conditions->part(first, count, true, c_buffer)) : Matrix<double>(0, 0);
      const auto drawn = flow.sample(count, seed, o, c);
      put(out, first, drawn.points);
      if (density) put(log_prob, first, drawn.log_prob);
    });
  });
  return density ? py::object(py::make_tuple(out, log_prob)) : py::object(out);
}

void PyFlow::save(const std::string& file) const {
  std::visit([&]<class S>(const Flow<S>& flow) { write_model<S>(file, Model<S>{flow, model_->card}); }, model_->flow);
}

py::dict PyFlow::info() const {
  const auto& card = model_->card;
  const auto& solver = options_.solver;
  py::dict out("pathline"_a = card.version, "format"_a = card.format_version, "digest"_a = card.digest,
               "precision"_a = precision(), "dim"_a = dim(), "columns"_a = card.columns,
               "condition_columns"_a = card.condition_columns, "recipe"_a = card.recipe, "metrics"_a = card.metrics);
  with_flow([&](const auto& flow) {
    out["parameters"] = flow.theta().size(), out["blocks"] = flow.blocks().size(), out["members"] = 1;
    if (const auto* mixture = flow.members()) {
      Index parameters = 0;
      for (const auto& member : mixture->members()) parameters += member.theta().size();
      out["members"] = mixture->components(), out["parameters"] = parameters;
    }
    out["end_time"] = flow.end_time(), out["base"] = to_string(flow.base->kind());
  });
  out["evaluation"] = py::dict("stepper"_a = to_string(solver.stepper), "rtol"_a = solver.rtol, "atol"_a = solver.atol,
                               "steps"_a = solver.steps, "max_steps"_a = solver.max_steps,
                               "trace"_a = options_.trace.kind == TraceKind::exact ? "exact" : "hutchinson",
                               "tile"_a = options_.tile, "threads"_a = threads_);
  return out;
}

void bind_flow(py::module_& module) {
  py::class_<PyFlow>(module, "Flow", "A density in the core library; pathline.Flow is what users see.")
      .def(py::init<const std::string&, const std::string&>(), "file"_a, "precision"_a = "")
      .def("with_options", &PyFlow::with_options, "changes"_a)
      .def("log_prob", &PyFlow::log_prob, "x"_a, "condition"_a = py::none())
      .def("score", &PyFlow::score, "x"_a, "condition"_a = py::none())
      .def("to_base", &PyFlow::to_base, "x"_a, "condition"_a = py::none())
      .def("to_data", &PyFlow::to_data, "z"_a, "condition"_a = py::none())
      .def("sample", &PyFlow::sample, "n"_a, "seed"_a, "condition"_a = py::none(), "log_prob"_a = false)
      .def("members", &PyFlow::members)
      .def("save", &PyFlow::save, "file"_a)
      .def("info", &PyFlow::info)
      .def_property_readonly("dim", &PyFlow::dim)
      .def_property_readonly("condition_dim", &PyFlow::condition_dim)
      .def_property_readonly("columns", [](const PyFlow& f) { return f.card().columns; })
      .def_property_readonly("condition_columns", [](const PyFlow& f) { return f.card().condition_columns; });
}

}  // namespace pathline::python

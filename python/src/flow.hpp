// A trained density with the options that it is evaluated with.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <pybind11/pybind11.h>

#include "arrays.hpp"
#include "pathline/checkpoint/model.hpp"

namespace pathline::python {

class PyFlow {
 public:
  // precision: "float", "double", or empty for that of the file.
  PyFlow(const std::string& file, const std::string& precision);

  // The same density with other options: names as the keys of [solver.evaluation], and trace, probes, tile, threads.
  PyFlow with_options(const pybind11::dict& changes) const;

  pybind11::object log_prob(const pybind11::object& x, const pybind11::object& condition) const;
  pybind11::object score(const pybind11::object& x, const pybind11::object& condition) const;
  pybind11::object to_base(const pybind11::object& x, const pybind11::object& condition) const;
  pybind11::object to_data(const pybind11::object& z, const pybind11::object& condition) const;
  // (n, d), and with `density` also (n).
  pybind11::object sample(Index n, std::uint64_t seed, const pybind11::object& condition, bool density) const;

  std::vector<PyFlow> members() const;  // of an ensemble; this flow alone otherwise
  void save(const std::string& file) const;
  pybind11::dict info() const;
  const ModelCard& card() const { return model_->card; }
  Index dim() const;
  Index condition_dim() const;
  const char* precision() const { return std::holds_alternative<Flow<float>>(model_->flow) ? "float" : "double"; }
  // How points are evaluated whose first one is the `first`-th of all.
  EvaluationOptions options(Index first) const;
  // The condition of so many points, one row or a row each; absent if the model has none. InputError for others.
  std::optional<Rows> condition_rows(const pybind11::object& condition, Index points) const;

 private:
  struct Shared {
    ModelCard card;
    std::variant<Flow<float>, Flow<double>> flow;
  };
  void refuse_ensemble(const char* function) const;  // InputError, "transform: ...", for a model without one base
  // f(flow), in the precision of the flow.
  template <class F> auto with_flow(F f) const { return std::visit(f, model_->flow); }
  template <class F> void in_parts(Index n, F part) const;

  std::shared_ptr<const Shared> model_;
  EvaluationOptions options_;
  std::optional<int> threads_;  // absent: all cores
};

void bind_flow(pybind11::module_& module);

// The number of threads where none is asked for.
inline constexpr int kAllCores = 0;

}  // namespace pathline::python

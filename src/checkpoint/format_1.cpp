#include "checkpoint/format_1.hpp"

#include <fmt/format.h>

#include "core/toml.hpp"
#include "core/toml_text.hpp"
#include "pathline/checkpoint/model.hpp"
#include "pathline/core/error.hpp"

namespace pathline {
namespace {

template <class T> T value_or(const toml::node_view<const toml::node>& table, const char* key, T otherwise) {
  const auto value = table[key];
  if (!value) return otherwise;
  const auto got = value.value<T>();
  if (!got) throw InputError(fmt::format("its recipe: solver.evaluation.{} is of another type", key));
  return *got;
}

}  // namespace

SolverOptions evaluation_of_format_1(const std::string& recipe) {
  SolverOptions o = ModelCard{}.evaluation;
  check_toml_text(recipe, "its recipe");
  toml::table parsed;
  try {
    parsed = toml::parse(recipe);
  } catch (const toml::parse_error& error) {
    throw InputError(fmt::format("its recipe: line {}: {}", error.source().begin.line, error.description()));
  }
  const auto table = std::as_const(parsed)["solver"]["evaluation"];
  o.stepper = parse_stepper(value_or<std::string>(table, "stepper", to_string(o.stepper)));
  o.rtol = value_or<double>(table, "rtol", o.rtol), o.atol = value_or<double>(table, "atol", o.atol);
  o.steps = static_cast<Index>(value_or<std::int64_t>(table, "steps", o.steps));
  o.max_steps = static_cast<Index>(value_or<std::int64_t>(table, "max_steps", o.max_steps));
  o.check();
  return o;
}

}  // namespace pathline

#include "checkpoint/model_card.hpp"

#include <algorithm>
#include <cstdint>

#include <fmt/format.h>

#include "checkpoint/format_1.hpp"
#include "checkpoint/model_answers.hpp"
#include "checkpoint/model_ensemble.hpp"
#include "checkpoint/model_part.hpp"
#include "checkpoint/size_budget.hpp"
#include "pathline/core/error.hpp"

namespace pathline {
namespace model_file {
namespace {

void write_evaluation(Hdf5Group group, const SolverOptions& o) {
  group.set_attribute("stepper", to_string(o.stepper));
  group.set_attribute("rtol", o.rtol), group.set_attribute("atol", o.atol);
  group.set_attribute("steps", static_cast<std::int64_t>(o.steps));
  group.set_attribute("max_steps", static_cast<std::int64_t>(o.max_steps));
}

SolverOptions read_evaluation(const Hdf5Group& group) {
  const SolverOptions o{.stepper = parse_stepper(group.attribute<std::string>("stepper")),
                        .rtol = group.attribute<double>("rtol"),
                        .atol = group.attribute<double>("atol"),
                        .steps = group.attribute<std::int64_t>("steps"),
                        .max_steps = group.attribute<std::int64_t>("max_steps")};
  o.check();
  return o;
}

// Tables are read by these names: two alike would take one column of a table for both.
void check_names(const std::string& file, const Hdf5File& in, const ModelCard& card) {
  const auto check_count = [&](const std::string& name, const std::vector<std::string>& names, Index dim) {
    if (!names.empty() && std::ssize(names) != dim)
      refuse(file, fmt::format("{}: {} names, expected {}", name, names.size(), dim));
  };
  check_count("columns", card.columns, in.attribute<std::int64_t>("dim"));
  check_count("condition_columns", card.condition_columns, in.attribute<std::int64_t>("condition_dim"));
  auto names = card.columns;
  names.insert(names.end(), card.condition_columns.begin(), card.condition_columns.end());
  std::sort(names.begin(), names.end());
  if (const auto twice = std::adjacent_find(names.begin(), names.end()); twice != names.end())
    refuse(file, fmt::format("columns: '{}' is the name of two", *twice));
}

}  // namespace

void write_card(Hdf5File& out, const ModelCard& card) {
  out.write_string("recipe", card.recipe);
  out.write_strings("columns", card.columns);
  out.write_strings("condition_columns", card.condition_columns);
  if (!card.discrete.empty()) out.write_strings("discrete", card.discrete);
  if (card.condition_range.size() > 0) out.write_matrix("condition_range", card.condition_range);
  out.write_strings("metrics", card.metrics);
  write_evaluation(out.create_group("evaluation"), card.evaluation);
}

ModelCard read_card_of(const std::string& file, const Hdf5File& in) {
  ModelCard card;
  card.file = file;
  card.version = in.attribute<std::string>("version");
  card.precision = in.attribute<std::string>("precision");
  if (card.precision != "float" && card.precision != "double")
    refuse(file, "precision '" + card.precision + "': expected float or double");
  card.digest = in.attribute<std::string>("digest");
  card.recipe = in.read_string("recipe");
  card.columns = in.read_strings("columns");
  card.condition_columns = in.read_strings("condition_columns");
  check_names(file, in, card);
  card.metrics = in.read_strings("metrics");
  card.format_version = in.attribute<std::int64_t>("format_version");
  if (in.exists("discrete")) card.discrete = in.read_strings("discrete");
  if (in.exists("condition_range")) {
    card.condition_range = in.read_matrix<double>("condition_range");
    if (card.condition_range.rows() != std::ssize(card.condition_columns) || card.condition_range.cols() != 2)
      refuse(file, "condition_range: expected 2 rows with a value for each condition");
  }
  card.members = read_member_recipes(file, in);
  read_answers(in, card);
  try {
    card.evaluation =
        card.format_version == 1 ? evaluation_of_format_1(card.recipe) : read_evaluation(in.group("evaluation"));
    SizeBudget(file + ": evaluation", in).check_steps(card.evaluation.steps);
  } catch (const InputError& error) {
    throw in_file(file, error);
  }
  return card;
}

}  // namespace model_file

std::string ModelCard::warning() const {
  if (format_version != 1) return "";
  return fmt::format(
      "{}: is of format 1, whose digest does not cover the layers, the activation, the base and the solver: a change "
      "of them is not seen. `pathline reseal {}` rewrites it",
      file, file);
}

}  // namespace pathline

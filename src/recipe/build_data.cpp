#include "pathline/recipe/build_data.hpp"

#include <algorithm>
#include <filesystem>

#include "pathline/core/error.hpp"
#include "recipe/in_table.hpp"
#include "recipe/member_seed.hpp"

namespace pathline {
namespace {

// The columns of the table to read; empty: all.
std::vector<std::string> wanted_columns(const SourceOptions& d) {
  auto wanted = d.columns;
  for (const auto& name : d.condition)
    if (!d.columns.empty() && std::find(wanted.begin(), wanted.end(), name) == wanted.end()) wanted.push_back(name);
  return wanted;
}

}  // namespace

Target named_target(const std::string& name, const std::optional<Target>& user) {
  if (name != "user") return find_target(name);
  if (!user) throw InputError("objective.target = user: the target must be given from C++, in TrainingOptions::target");
  return *user;
}

std::optional<Target> only_target(const Recipe& recipe, const std::optional<Target>& user) {
  if (!recipe.data.source.empty()) return std::nullopt;
  for (const auto& stage : recipe.objective)
    if (stage.kind != ObjectiveKind::reverse_kl || stage.target != recipe.objective.front().target) return std::nullopt;
  return named_target(recipe.objective.front().target, user);
}

std::unique_ptr<DataSource> open_source(const Recipe& recipe, const TableView* table) {
  const auto& d = recipe.data;
  if (d.source.empty())
    throw InputError(
        "data.source is empty; expected a toy or a file, or reverse_kl with the same target in every stage");
  SourceOptions options = d.reading;
  options.seed = recipe.train.seed;
  options.constant = d.preparing.dequantize > 0 ? ConstantColumns::allow : ConstantColumns::refuse;
  options.columns = wanted_columns(d.reading);
  in_table("data", [&] {
    options.table.bounds = parse_bounds(d.bounds);
    for (const auto& period : parse_periods(d.period)) options.period.push_back(period.column);
  });
  if (table) return in_table("data", [&] { return make_source(*table, d.source, options); });
  try {
    return in_table("data", [&] { return make_source(d.source, options); });
  } catch (const InputError& error) {
    const bool made = d.source == "datasets/digits.csv" || d.source == "datasets/diamonds.csv";
    if (!made || std::filesystem::exists(d.source)) throw;
    throw InputError(std::string(error.what()) + "; run tools/datasets to create it");
  }
}

TrainingData build_data(const Recipe& recipe, const std::optional<Target>& target, const TableView* table) {
  if (target) return TrainingData::none(target->dim, member_seed(recipe));
  return build_data(recipe, open_source(recipe, table));
}

TrainingData build_data(const Recipe& recipe, std::shared_ptr<const DataSource> source) {
  const auto& d = recipe.data;
  TrainingDataOptions options = d.preparing;
  options.condition = d.reading.condition, options.discrete = d.reading.discrete;
  options.seed = member_seed(recipe), options.name = d.source;
  options.bounds = parse_bounds(d.bounds), options.period = parse_periods(d.period);
  return in_table("data", [&] { return TrainingData(source, options); });
}

}  // namespace pathline

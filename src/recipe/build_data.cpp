#include "pathline/recipe/build_data.hpp"

#include <algorithm>
#include <filesystem>

#include "pathline/core/error.hpp"
#include "recipe/in_table.hpp"

namespace pathline {
namespace {

// To be read of a table; empty: all.
std::vector<std::string> wanted_columns(const DataRecipe& d) {
  auto wanted = d.columns;
  for (const auto& name : d.condition)
    if (!d.columns.empty() && std::find(wanted.begin(), wanted.end(), name) == wanted.end()) wanted.push_back(name);
  return wanted;
}

}  // namespace

TableOptions::Header header_option(const std::string& name) {
  if (name == "yes") return TableOptions::Header::yes;
  return name == "no" ? TableOptions::Header::no : TableOptions::Header::automatic;
}

Target named_target(const std::string& name, const std::optional<Target>& user) {
  if (name != "user") return find_target(name);
  if (!user) throw InputError("objective.target = user: the target must be given from C++, in TrainingOptions::target");
  return *user;
}

std::optional<Target> only_target(const Recipe& recipe, const std::optional<Target>& user) {
  if (!recipe.data.source.empty()) return std::nullopt;
  for (const auto& stage : recipe.objective)
    if (stage.kind != "reverse_kl" || stage.target != recipe.objective.front().target) return std::nullopt;
  return named_target(recipe.objective.front().target, user);
}

std::unique_ptr<DataSource> open_source(const Recipe& recipe) {
  const auto& d = recipe.data;
  if (d.source.empty())
    throw InputError(
        "data.source is empty; expected a toy or a file, or reverse_kl with the same target in every stage");
  const SourceOptions options{.seed = static_cast<std::uint64_t>(recipe.train.seed),
                              .validation_size = d.validation_size,
                              .test_size = d.test_size,
                              .validation_fraction = d.validation_fraction,
                              .test_fraction = d.test_fraction,
                              .constant = d.dequantize > 0 ? ConstantColumns::allow : ConstantColumns::refuse,
                              .columns = wanted_columns(d),
                              .condition = d.condition,
                              .discrete = d.discrete,
                              .table = {.header = header_option(d.header), .drop_missing = d.drop_missing},
                              .validation = d.validation,
                              .test = d.test,
                              .weights = d.weights};
  try {
    return make_source(d.source, options);
  } catch (const InputError& error) {
    const bool made = d.source == "datasets/digits.csv" || d.source == "datasets/diamonds.csv";
    if (!made || std::filesystem::exists(d.source)) throw;
    throw InputError(std::string(error.what()) + "; run tools/datasets to create it");
  }
}

TrainingData build_data(const Recipe& recipe, const std::optional<Target>& target) {
  const auto seed = static_cast<std::uint64_t>(recipe.train.seed);
  if (target) return TrainingData::none(target->dim, seed);
  const auto& d = recipe.data;
  std::shared_ptr<const DataSource> source = open_source(recipe);
  return in_table("data", [&] {
    return TrainingData(source, {.condition = d.condition,
                                 .standardize = d.standardize,
                                 .dequantize = d.dequantize,
                                 .discrete = d.discrete,
                                 .logit = d.logit,
                                 .seed = seed,
                                 .name = d.source});
  });
}

}  // namespace pathline

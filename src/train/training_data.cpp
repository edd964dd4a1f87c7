#include "pathline/train/training_data.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "pathline/core/error.hpp"
#include "pathline/core/nearest.hpp"

namespace pathline {

std::unique_ptr<DataSource> open_source(const Recipe& recipe) {
  const auto& d = recipe.data;
  if (d.source.empty()) throw InputError("data.source: is empty; expected a toy or a file");
  return make_source(d.source, {.seed = static_cast<std::uint64_t>(recipe.train.seed),
                                .validation_size = d.validation_size,
                                .test_size = d.test_size,
                                .validation_fraction = d.validation_fraction,
                                .test_fraction = d.test_fraction});
}

TrainingData::TrainingData(const Recipe& recipe)
    : source_(open_source(recipe)), seed_(static_cast<std::uint64_t>(recipe.train.seed)) {
  const auto& all = source_->columns();
  for (const auto& name : recipe.data.condition) {
    const auto found = std::find(all.begin(), all.end(), name);
    if (found == all.end())
      throw InputError(fmt::format("data.condition: {} has no column '{}'; the nearest is '{}'", recipe.data.source, name,
                                   nearest(name, all)));
    condition_rows_.push_back(found - all.begin());
    condition_columns_.push_back(name);
  }
  for (Index i = 0; i < static_cast<Index>(all.size()); ++i) {
    if (std::find(condition_rows_.begin(), condition_rows_.end(), i) != condition_rows_.end()) continue;
    rows_.push_back(i);
    columns_.push_back(all[static_cast<std::size_t>(i)]);
  }
  if (rows_.empty()) throw InputError("data.condition: holds every column; expected one at least to be left");
  standardizer_ = part(rows_, recipe.data.standardize);
  condition_standardizer_ = part(condition_rows_, recipe.data.standardize);
}

Standardizer TrainingData::part(const std::vector<Index>& rows, bool standardize) const {
  const Index n = static_cast<Index>(rows.size());
  if (!standardize) return {Vector<double>::Zero(n), Vector<double>::Ones(n)};
  return {source_->standardizer().mean(rows), source_->standardizer().scale(rows)};
}

TrainingData::Points TrainingData::split(ConstMatrixRef<double> rows) const {
  return {rows(rows_, Eigen::all), rows(condition_rows_, Eigen::all)};
}

TrainingData::Points TrainingData::batch(Index iteration, Index size) const {
  Engine engine = make_stream(seed_, "train.batch", static_cast<std::uint64_t>(iteration));
  Matrix<double> rows(static_cast<Index>(source_->columns().size()), size);
  source_->batch(engine, rows);
  return split(rows);
}

std::optional<double> TrainingData::entropy() const {
  return condition_rows_.empty() ? source_->entropy() : std::nullopt;
}

std::optional<RowVector<double>> TrainingData::log_density(ConstMatrixRef<double> x) const {
  return condition_rows_.empty() ? source_->log_density(x) : std::nullopt;
}

}  // namespace pathline

// Training data from matrices in memory.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "pathline/core/error.hpp"
#include "pathline/train/training_data.hpp"

namespace pathline {
namespace {

std::vector<std::string> numbered(const std::string& letter, Index count) {
  std::vector<std::string> names;
  for (Index i = 1; i <= count; ++i) names.push_back(fmt::format("{}{}", letter, i));
  return names;
}

// Returns x stacked on c, d + dc rows.
Matrix<double> stacked(const char* part, ConstMatrixRef<double> x, ConstMatrixRef<double> c, Index rows) {
  const bool conditional = c.rows() > 0;
  if (conditional && c.cols() != x.cols())
    throw InputError(fmt::format("{}: {} samples and {} conditions; expected one condition for each sample", part,
                                 x.cols(), c.cols()));
  if (x.cols() == 0) return Matrix<double>(rows, 0);
  if (x.rows() + c.rows() != rows)
    throw InputError(fmt::format("{}: has {} columns; the training part has {}", part, x.rows() + c.rows(), rows));
  Matrix<double> both(rows, x.cols());
  both.topRows(x.rows()) = x;
  if (conditional) both.bottomRows(c.rows()) = c;
  return both;
}

// The given names, or x1, x2, ...
std::vector<std::string> names_or_numbers(const char* option, const std::vector<std::string>& names,
                                          const std::string& letter, Index count) {
  if (names.empty()) return numbered(letter, count);
  if (std::ssize(names) != count)
    throw InputError(fmt::format("{}: {} names; the matrix has {} rows", option, names.size(), count));
  return names;
}

// The names of x and of the condition, which differ.
std::vector<std::string> all_names(const MatrixDataOptions& options, Index dim, Index condition_dim) {
  auto names = names_or_numbers("columns", options.columns, "x", dim);
  const auto of_condition = names_or_numbers("condition_columns", options.condition_columns, "c", condition_dim);
  names.insert(names.end(), of_condition.begin(), of_condition.end());
  auto sorted = names;
  std::sort(sorted.begin(), sorted.end());
  if (const auto twice = std::adjacent_find(sorted.begin(), sorted.end()); twice != sorted.end())
    throw InputError(fmt::format("columns: '{}' names two columns; each needs a name of its own", *twice));
  return names;
}

// The last condition_dim columns of the split are the condition.
TrainingData matrix_data_of(DataSplit split, Index condition_dim, const MatrixDataOptions& options) {
  const TrainingDataOptions data{.condition = {split.columns.end() - condition_dim, split.columns.end()},
                                 .standardize = options.standardize,
                                 .dequantize = options.dequantize,
                                 .discrete = options.discrete,
                                 .bounds = options.bounds,
                                 .period = options.period,
                                 .logit = options.logit,
                                 .seed = options.seed};
  return TrainingData(make_source(std::move(split)), data);
}

}  // namespace

TrainingData matrix_data(ConstMatrixRef<double> x, const MatrixDataOptions& options) {
  const auto& c = options.condition;
  auto split = split_data(stacked("data", x, c, x.rows() + c.rows()), all_names(options, x.rows(), c.rows()),
                          {.validation_fraction = options.validation_fraction,
                           .test_fraction = options.test_fraction,
                           .seed = options.seed,
                           .groups = options.groups},
                          options.weights);
  return matrix_data_of(std::move(split), c.rows(), options);
}

TrainingData matrix_data(ConstMatrixRef<double> x, ConstMatrixRef<double> c, const MatrixDataOptions& options) {
  if (options.condition.size() > 0) throw InputError("condition: is given as an argument and as an option");
  auto with_condition = options;
  with_condition.condition = c;
  return matrix_data(x, with_condition);
}

TrainingData matrix_data(const TrainingData::Points& training, const TrainingData::Points& validation,
                         const TrainingData::Points& test, const MatrixDataOptions& options) {
  if (options.condition.size() > 0) throw InputError("condition: each of the parts has its own");
  if (options.weights.size() > 0) throw InputError("weights: apply to one matrix; parts have none");
  if (!options.groups.empty()) throw InputError("groups: apply to one matrix; parts are split already");
  const Index dim = training.x.rows(), condition_dim = training.c.rows(), rows = dim + condition_dim;
  DataSplit split{.train = stacked("training", training.x, training.c, rows),
                  .validation = stacked("validation", validation.x, validation.c, rows),
                  .test = stacked("test", test.x, test.c, rows),
                  .columns = all_names(options, dim, condition_dim)};
  return matrix_data_of(std::move(split), condition_dim, options);
}

}  // namespace pathline

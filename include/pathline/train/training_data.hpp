/// \file
/// The data of a run: a source, and which of its columns condition the density of the others.
#pragma once

#include <memory>

#include "pathline/data/source.hpp"
#include "pathline/objective/target.hpp"
#include "pathline/recipe/recipe.hpp"

namespace pathline {

class TrainingData {
 public:
  /// By recipe.data; splits and held-out draws by train.seed. InputError naming the file, row or column. With a target
  /// there is no data: columns of its dimension, and no row.
  explicit TrainingData(const Recipe& recipe, const std::optional<Target>& target = {});

  Index dim() const { return static_cast<Index>(columns_.size()); }
  Index condition_dim() const { return static_cast<Index>(condition_columns_.size()); }
  const std::vector<std::string>& columns() const { return columns_; }
  const std::vector<std::string>& condition_columns() const { return condition_columns_; }

  struct Points {
    Matrix<double> x, c;  ///< d x N, dc x N
  };
  Points batch(Index iteration, Index size) const;  ///< a function of the seed and the iteration alone
  std::optional<Points> training() const;           ///< every row once, as some batch may hold them; not of a toy
  const Points& validation() const { return validation_; }
  const Points& test() const { return test_; }

  /// Of the columns, dequantized and through the logit where the recipe asks for them, and of the condition; mean 0 and
  /// scale 1 with data.standardize = false.
  const Standardizer& standardizer() const { return standardizer_; }
  const Standardizer& condition_standardizer() const { return condition_standardizer_; }

  std::uint64_t hash() const;             ///< of a table's columns and rows as they were split; 0 for a toy
  std::optional<double> entropy() const;  ///< nats, of a toy without a condition
  std::optional<RowVector<double>> log_density(const Points& points) const;  ///< log p(x), or log p(x | c), of a toy

 private:
  Points split(ConstMatrixRef<double> rows) const;
  Points prepared(ConstMatrixRef<double> rows, const char* purpose, Index iteration = 0) const;
  Standardizer fit_transformed() const;
  Standardizer part(const std::vector<Index>& rows, bool standardize) const;

  std::unique_ptr<DataSource> source_;
  std::uint64_t seed_;
  std::vector<std::string> columns_, condition_columns_;
  std::vector<Index> rows_, condition_rows_;  ///< in the source
  Standardizer standardizer_, condition_standardizer_;
  double dequantize_ = 0, logit_ = 0;
  Points validation_, test_;
};

/// objective.target: find_target's, or "user". InputError if there is no such.
Target named_target(const std::string& name, const std::optional<Target>& user);
/// The target of a run without data: data.source is empty and every stage is reverse_kl to the same.
std::optional<Target> only_target(const Recipe& recipe, const std::optional<Target>& user = {});

/// The source that a recipe names: a toy, or a table's file.
std::unique_ptr<DataSource> open_source(const Recipe& recipe);

}  // namespace pathline

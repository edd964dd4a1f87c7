/// \file
/// Splits a data set in three disjoint parts.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pathline/core/types.hpp"

namespace pathline {

struct SplitOptions {
  double validation_fraction = 0.1;  ///< in [0, 1), of all rows, rounded; 0 = no validation
  double test_fraction = 0.1;        ///< in [0, 1); validation + test < 1
  std::uint64_t seed = 0;            ///< seed of the permutation
  /// N numbers: all rows with the same number go to one part, whose sizes are then about these; empty: each row by
  /// itself. With first_alike(values) no row has a copy in another part.
  std::vector<Index> groups = {};
};

struct DataSplit {
  Matrix<double> train, validation, test;  ///< d x N_i, one sample a column
  std::vector<std::string> columns;        ///< d names, or none
  /// 1 x N_i, >= 0: the weight of each sample of a part; empty: all samples weigh alike.
  RowVector<double> train_weights = {}, validation_weights = {}, test_weights = {};
};

/// Permutes the samples of values (d x N) by the seed and cuts them in three: every sample is in exactly one part.
/// Throws InputError for a fraction out of range, for a value that is not finite (the message names row and column,
/// counted from 1), for a requested part that would be empty, and for a training part of fewer than 2 rows.
/// weights: 1 x N, finite and >= 0, split alike, or empty. Each part that has rows needs a weight > 0.
[[nodiscard]] DataSplit split_data(ConstMatrixRef<double> values, std::vector<std::string> columns,
                                   const SplitOptions& options = {}, const RowVector<double>& weights = {});

/// For each row, the number of the first row with the same values. values: d x N.
[[nodiscard]] std::vector<Index> first_alike(ConstMatrixRef<double> values);

/// Throws InputError, which names the part, for a split that was made elsewhere and has a value that is not finite,
/// parts of different dimensions, weights that do not fit the rows or are all 0, or fewer than 2 training rows.
void check_split(const DataSplit& split);

}  // namespace pathline

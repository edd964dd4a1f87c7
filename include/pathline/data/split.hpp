// A data set in three disjoint parts.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pathline/core/types.hpp"

namespace pathline {

struct SplitOptions {
  double validation_fraction = 0.1;  // [0, 1): of all rows, rounded; 0 for no validation
  double test_fraction = 0.1;        // [0, 1): and validation + test < 1
  std::uint64_t seed = 0;            // of the permutation
};

struct DataSplit {
  Matrix<double> train, validation, test;  // d x N_i, one sample a column
  std::vector<std::string> columns;        // d names, or none
};

// Permutes the samples of values (d x N) by the seed alone and cuts: every sample is in exactly one part.
// InputError for a fraction out of its range, for a value that is not finite (row and column, from 1) and
// where a part that was asked for would be empty or the training part have fewer than 2 rows.
DataSplit split_data(ConstMatrixRef<double> values, std::vector<std::string> columns, const SplitOptions& options = {});

}  // namespace pathline

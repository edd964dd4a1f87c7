// The names of a model's columns and of its condition, as they are shown.
#pragma once

#include <string>
#include <vector>

#include "pathline/checkpoint/model.hpp"

namespace pathline {

// Of all d columns; x1, x2, ... where the model has no names.
std::vector<std::string> column_names(const ModelCard& card, Index d);

// The condition as it is written in p(x2 | x1 = 0.5), " | x1 = 0.5"; "" without a condition. condition: dc x n, of
// which the first is shown.
std::string of_condition(const ModelCard& card, const Matrix<double>& condition);

}  // namespace pathline

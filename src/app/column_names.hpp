// The names of a model's columns.
#pragma once

#include <string>
#include <vector>

#include "pathline/checkpoint/model.hpp"

namespace pathline {

// The name of column i, counted from 0, and the names of all d columns: x1, x2, ... if the model has no names.
std::string column_name(const ModelCard& card, Index i);
std::vector<std::string> column_names(const ModelCard& card, Index d);

}  // namespace pathline

// The names of a model's columns.
#pragma once

#include <string>
#include <vector>

#include "pathline/checkpoint/model.hpp"

namespace pathline {

// Of column i, counted from 0, and of all d columns; x1, x2, ... where the model has no names.
std::string column_name(const ModelCard& card, Index i);
std::vector<std::string> column_names(const ModelCard& card, Index d);

}  // namespace pathline

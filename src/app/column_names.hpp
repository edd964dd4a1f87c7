// The names of a model's columns.
#pragma once

#include <string>
#include <vector>

#include "pathline/checkpoint/model.hpp"

namespace pathline {

// Of all d columns; x1, x2, ... where the model has no names.
std::vector<std::string> column_names(const ModelCard& card, Index d);

}  // namespace pathline

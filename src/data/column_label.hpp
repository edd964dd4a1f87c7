// The name of a column in an error.
#pragma once

#include <string>
#include <vector>

#include "pathline/core/types.hpp"

namespace pathline {

// Returns `column 3 ("waiting")`, or `column 3` without names. row: the row of a d x N matrix, counted from 0.
inline std::string column_label(Index row, const std::vector<std::string>& columns) {
  const std::string number = "column " + std::to_string(row + 1);
  const auto i = static_cast<std::size_t>(row);
  return i < columns.size() && !columns[i].empty() ? number + " (\"" + columns[i] + "\")" : number;
}

}  // namespace pathline

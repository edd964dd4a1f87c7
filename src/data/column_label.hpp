// How an error names a column.
#pragma once

#include <string>
#include <vector>

#include "pathline/core/types.hpp"

namespace pathline {

// `column 3 ("waiting")`, or `column 3` where there are no names. row: of a d x N matrix, from 0.
inline std::string column_label(Index row, const std::vector<std::string>& columns) {
  const std::string number = "column " + std::to_string(row + 1);
  const auto i = static_cast<std::size_t>(row);
  return i < columns.size() && !columns[i].empty() ? number + " (\"" + columns[i] + "\")" : number;
}

}  // namespace pathline

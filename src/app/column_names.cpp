#include "app/column_names.hpp"

#include <fmt/format.h>

namespace pathline {

std::vector<std::string> column_names(const ModelCard& card, Index d) {
  auto out = card.columns;
  for (Index i = std::ssize(out); i < d; ++i) out.push_back(fmt::format("x{}", i + 1));
  return out;
}

std::string of_condition(const ModelCard& card, const Matrix<double>& condition) {
  std::string out;
  for (Index i = 0; i < condition.rows(); ++i)
    out += fmt::format("{}{} = {:g}", i ? ", " : " | ", card.condition_columns.at(static_cast<std::size_t>(i)),
                       condition(i, 0));
  return out;
}

}  // namespace pathline

#include "app/column_names.hpp"

#include <fmt/format.h>

namespace pathline {

std::string column_name(const ModelCard& card, Index i) {
  return i < std::ssize(card.columns) ? card.columns[static_cast<std::size_t>(i)] : fmt::format("x{}", i + 1);
}

std::vector<std::string> column_names(const ModelCard& card, Index d) {
  auto out = card.columns;
  for (Index i = std::ssize(out); i < d; ++i) out.push_back(column_name(card, i));
  return out;
}

}  // namespace pathline

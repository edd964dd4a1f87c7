#include "app/column_names.hpp"

#include <fmt/format.h>

namespace pathline {

std::vector<std::string> column_names(const ModelCard& card, Index d) {
  auto out = card.columns;
  for (Index i = std::ssize(out); i < d; ++i) out.push_back(fmt::format("x{}", i + 1));
  return out;
}

}  // namespace pathline

#include "pathline/core/nearest.hpp"

#include <algorithm>
#include <cassert>
#include <numeric>
#include <utility>

#include <fmt/format.h>

namespace pathline {

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before, last, row(b.size() + 1);  // the distances of the beginnings of a, up to letter i
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    before = std::exchange(last, row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row.back();
}

const std::string& nearest(std::string_view name, const std::vector<std::string>& known) {
  assert(!known.empty());
  return *std::min_element(known.begin(), known.end(), [&](const auto& a, const auto& b) {
    return edit_distance(name, a) < edit_distance(name, b);
  });
}

std::string did_you_mean(const std::string& name, const std::vector<std::string>& known) {
  if (known.empty()) return "";
  const auto begins = std::find_if(known.begin(), known.end(),
                                   [&](const std::string& k) { return name.size() >= 2 && k.starts_with(name); });
  if (begins != known.end()) return "; did you mean '" + *begins + "'?";
  const auto& best = nearest(name, known);
  const auto letters = std::max(name.size(), best.size()), distance = edit_distance(name, best);
  const bool near = distance < letters && distance <= std::max<std::size_t>(1, letters / 3);
  return near ? "; did you mean '" + best + "'?" : "";
}

std::string did_you_mean_column(const std::string& name, const std::vector<std::string>& columns) {
  static constexpr std::size_t kMost = 20;  // columns that are listed
  if (const auto near = did_you_mean(name, columns); !near.empty()) return near;
  const bool all = columns.size() <= kMost;
  return fmt::format("; its columns are {}{}",
                     fmt::join(columns.begin(), all ? columns.end() : columns.begin() + kMost, ", "),
                     all ? "" : ", ...");
}

}  // namespace pathline

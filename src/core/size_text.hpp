// Sizes of memory and files as a reader wants them.
#pragma once

#include <string>

#include <fmt/format.h>

namespace pathline {

// "48 GB", by powers of 1000.
inline std::string size_text(double bytes) {
  constexpr const char* units[] = {"bytes", "kB", "MB", "GB", "TB", "PB"};
  std::size_t unit = 0;
  while (bytes >= 1000 && unit + 1 < std::size(units)) bytes /= 1000, ++unit;
  return fmt::format("{:.{}f} {}", bytes, bytes < 10 && unit > 0 ? 1 : 0, units[unit]);
}

}  // namespace pathline

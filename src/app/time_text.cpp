#include "app/time_text.hpp"

#include <cmath>
#include <stdexcept>

#include <fmt/format.h>

#include "pathline/core/error.hpp"

namespace pathline {

double time_of(const std::string& option, const std::string& text) {
  std::size_t end = 0;
  double value = std::nan("");
  try {
    value = std::stod(text, &end);
  } catch (const std::logic_error&) {  // no number, or one out of range
  }
  const std::string unit = text.substr(end);
  const double factor = unit.empty() || unit == "s" ? 1 : unit == "m" ? 60 : unit == "h" ? 3600 : std::nan("");
  if (!(value * factor > 0 && std::isfinite(value * factor)))
    throw InputError(fmt::format("{} = {}: must be a time above 0: 60, 60s, 10m or 1h", option, text));
  return value * factor;
}

std::string clock_text(double seconds) {
  const auto s = static_cast<long>(seconds + 0.5);
  return s >= 3600 ? fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
                   : fmt::format("{}:{:02}", s / 60, s % 60);
}

}  // namespace pathline

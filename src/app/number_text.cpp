#include "app/number_text.hpp"

#include <cmath>

#include <fmt/format.h>

namespace pathline {

std::string four_decimals(double value) {
  return std::abs(value) < 1e7 ? fmt::format("{:.4f}", value) : fmt::format("{:.4g}", value);
}

std::string with_error(double value, double error, std::string_view sign) {
  if (std::isnan(value)) return "not known";
  return std::isnan(error) ? four_decimals(value)
                           : fmt::format("{} {} {}", four_decimals(value), sign, four_decimals(error));
}

std::string mixture_text(Index components) {
  return fmt::format("a mixture of {} Gaussian{}", components, components > 1 ? "s" : "");
}

}  // namespace pathline

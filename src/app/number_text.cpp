#include "app/number_text.hpp"

#include <cmath>

#include <fmt/format.h>

namespace pathline {

std::string with_error(double value, double error, std::string_view sign) {
  if (std::isnan(value)) return "not known";
  return std::isnan(error) ? fmt::format("{:.4f}", value) : fmt::format("{:.4f} {} {:.4f}", value, sign, error);
}

std::string mixture_text(Index components) {
  return fmt::format("a mixture of {} Gaussian{}", components, components > 1 ? "s" : "");
}

}  // namespace pathline

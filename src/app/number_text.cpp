#include "app/number_text.hpp"

#include <cmath>

#include <fmt/format.h>

namespace pathline {

std::string with_error(double value, double error, std::string_view sign) {
  if (std::isnan(value)) return "not known";
  const auto text = [](double v) { return std::abs(v) < 1e7 ? fmt::format("{:.4f}", v) : fmt::format("{:.4g}", v); };
  return std::isnan(error) ? text(value) : fmt::format("{} {} {}", text(value), sign, text(error));
}

std::string mixture_text(Index components) {
  return fmt::format("a mixture of {} Gaussian{}", components, components > 1 ? "s" : "");
}

}  // namespace pathline

// The options of `pathline density`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "app/flags.hpp"

namespace pathline {

struct DensityFlags {
  std::string model, input, output, condition, grid;
  bool summary = false, independent = false, error = false;
  std::optional<double> max_error, time;
  std::uint64_t seed = 0;
  CommonFlags common;
};

}  // namespace pathline

// The one sentence for an option out of its range.
#pragma once

#include <string_view>

#include <fmt/format.h>

#include "pathline/core/error.hpp"

namespace pathline {

// "beta1 = 1.5: must be in [0, 1)". Write `holds` so that NaN makes it false.
template <class T> void require(bool holds, std::string_view name, T value, std::string_view range) {
  if (!holds) throw InputError(fmt::format("{} = {}: must be {}", name, value, range));
}

}  // namespace pathline

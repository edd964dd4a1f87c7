/// \file
/// What a caller says of an axis.
#pragma once

#include <optional>
#include <string>

namespace pathline::plot {

struct Range {
  double low = 0, high = 1;
  bool operator==(const Range&) const = default;
};

enum class Scale { linear, log };
struct Axis {
  std::string label = {};            ///< UTF-8; with its unit, "E / MeV"
  std::optional<Range> limits = {};  ///< low < high, both finite, > 0 on a log axis; otherwise from the data
  Scale scale = Scale::linear;       ///< log: line charts only
};

}  // namespace pathline::plot

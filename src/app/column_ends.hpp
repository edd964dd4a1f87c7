// The ends of the axis of a column that has bounds or a period.
#pragma once

#include <algorithm>
#include <cmath>

#include "app/smooth_density.hpp"
#include "pathline/flow/flow.hpp"

namespace pathline {

template <class S> plot::Ends column_ends(const Flow<S>& flow, Index row) {
  if (const auto* periods = flow.periods(); periods && periods->length()(row) > 0) return plot::Ends::periodic;
  const auto* bounds = flow.bounds();
  const bool bounded = bounds && (std::isfinite(bounds->low()(row)) || std::isfinite(bounds->high()(row)));
  return bounded ? plot::Ends::bounded : plot::Ends::open;
}

// The part of a range that lies within the bounds of the column, or one period.
template <class S> plot::Range within_ends(const Flow<S>& flow, Index row, const plot::Range& range) {
  if (const auto* periods = flow.periods(); periods && periods->length()(row) > 0)
    return {periods->start()(row), periods->start()(row) + periods->length()(row)};
  const auto* bounds = flow.bounds();
  return bounds ? plot::Range{std::max(range.low, bounds->low()(row)), std::min(range.high, bounds->high()(row))}
                : range;
}

}  // namespace pathline

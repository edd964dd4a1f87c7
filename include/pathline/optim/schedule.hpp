/// \file
/// The learning rate as a function of the iteration only.
#pragma once

#include <string>
#include <vector>

#include "pathline/core/types.hpp"

namespace pathline {

/// The rate rises linearly over the first `warmup` iterations: iteration i has the fraction (i + 1) / warmup. After
/// that it stays constant (constant), falls as half a cosine to the fraction `final` (cosine; Loshchilov & Hutter 2017,
/// eq. 5, without restarts), or is multiplied by decay_factor every decay_every iterations (step).
struct Schedule {
  enum class Kind { constant, cosine, step };
  static const std::vector<std::string>& kind_names();

  Kind kind = Kind::constant;
  double learning_rate = 1e-3;  ///< > 0: the highest rate
  Index warmup = 0;             ///< >= 0: iterations
  Index iterations = 0;         ///< cosine: > warmup, which they include; afterwards the rate stays at its final value
  double final = 0;             ///< cosine: in [0, 1], fraction of learning_rate
  Index decay_every = 1000;     ///< step: > 0, counted from the end of the warm-up
  double decay_factor = 0.5;    ///< step: (0, 1]
};

/// Throws InputError for a field out of its range.
void check_schedule(const Schedule& schedule);

/// Returns the rate of iteration 0, 1, ..., in [0, schedule.learning_rate].
[[nodiscard]] double learning_rate(const Schedule& schedule, Index iteration);

}  // namespace pathline

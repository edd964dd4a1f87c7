/// \file
/// The learning rate as a function of the iteration only.
#pragma once

#include <string>
#include <vector>

#include "pathline/core/types.hpp"

namespace pathline {

/// The rate rises linearly over the first `warmup` iterations: iteration i has the fraction (i + 1) / warmup. After
/// that it stays constant (constant), falls as half a cosine to the fraction `final` (cosine; Loshchilov & Hutter 2017,
/// eq. 5, without restarts), is multiplied by decay_factor every decay_every iterations (step), or stays constant until
/// it falls over the last `cooldown` iterations, as 1 - sqrt(part done), to the fraction `final` (trapezoid; Hägele et
/// al. 2024). Until its cooldown a trapezoid does not depend on the number of iterations, which may be decided late.
struct Schedule {
  enum class Kind { constant, cosine, step, trapezoid };
  static const std::vector<std::string>& kind_names();

  Kind kind = Kind::constant;
  double learning_rate = 1e-3;  ///< > 0: the highest rate
  Index warmup = 0;             ///< >= 0: iterations
  /// cosine: > warmup, which they include; afterwards the rate stays at its final value. trapezoid: of warm-up, constant
  /// part and cooldown together
  Index iterations = 0;
  double final = 0;             ///< cosine, trapezoid: in [0, 1], fraction of learning_rate
  Index cooldown = 0;           ///< trapezoid: in [0, iterations]
  Index decay_every = 1000;     ///< step: > 0, counted from the end of the warm-up
  double decay_factor = 0.5;    ///< step: (0, 1]
};

/// Throws InputError for a field out of its range.
void check_schedule(const Schedule& schedule);

/// Returns the rate of iteration 0, 1, ..., in [0, schedule.learning_rate].
[[nodiscard]] double learning_rate(const Schedule& schedule, Index iteration);

}  // namespace pathline

// The learning rate as a function of the iteration and of nothing else.
#pragma once

#include "pathline/core/types.hpp"

namespace pathline {

// The rate rises linearly over the first `warmup` iterations, iteration i having (i + 1) / warmup of it, and then
// stays (constant), falls as half a cosine to `final` of it (Loshchilov & Hutter 2017, eq. 5, without restarts), or
// is multiplied by decay_factor every decay_every iterations (step).
struct Schedule {
  enum class Kind { constant, cosine, step };

  Kind kind = Kind::constant;
  double learning_rate = 1e-3;  // > 0: the highest
  Index warmup = 0;             // >= 0: iterations
  Index iterations = 0;         // cosine: > warmup, which is part of them; the rate stays at the final one from there
  double final = 0;             // cosine: [0, 1]
  Index decay_every = 1000;     // step: > 0, counted from the end of the warm-up
  double decay_factor = 0.5;    // step: (0, 1]
};

// InputError for a field out of its range.
void check_schedule(const Schedule& schedule);

// The rate of iteration 0, 1, ...; in [0, schedule.learning_rate].
double learning_rate(const Schedule& schedule, Index iteration);

}  // namespace pathline

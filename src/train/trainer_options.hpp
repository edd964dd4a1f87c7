// The check of the options of a training run.
#pragma once

#include "pathline/train/trainer.hpp"

namespace pathline {

// Returns the options. InputError naming the first one that is out of its range or contradicts another, and options of
// the evaluation or the schedule that the trainer sets itself.
TrainerOptions checked(TrainerOptions options);

}  // namespace pathline

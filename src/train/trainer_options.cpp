#include "train/trainer_options.hpp"

#include <cmath>

#include "core/option_check.hpp"
#include "pathline/core/error.hpp"

namespace pathline {
namespace {

void check_ranges(const TrainerOptions& o) {
  require(o.iterations >= 0, "iterations", o.iterations, ">= 0");
  require(o.batch >= 1, "batch", o.batch, ">= 1");
  require(o.clip >= 0 && std::isfinite(o.clip), "clip", o.clip, ">= 0");
  require(o.ema >= 0 && o.ema < 1, "ema", o.ema, "in [0, 1)");
  require(o.validation_rows >= 0, "validation_rows", o.validation_rows, ">= 0");
  require(o.evaluate_every >= 1, "evaluate_every", o.evaluate_every, ">= 1");
  require(o.checkpoint_every >= 1, "checkpoint_every", o.checkpoint_every, ">= 1");
  require(o.threads >= 0, "threads", o.threads, ">= 0");
  require(o.patience >= 0, "patience", o.patience, ">= 0");
  require(o.validation_draws >= 1, "validation_draws", o.validation_draws, ">= 1");
  require(o.test_draws >= 1, "test_draws", o.test_draws, ">= 1");
  require(o.max_error >= 0 && std::isfinite(o.max_error), "max_error", o.max_error, ">= 0");
}

// A value of the caller for an option that the trainer sets itself would have no effect, and is refused.
void check_left_alone(const TrainerOptions& o) {
  const EvaluationOptions evaluation;
  require(o.evaluation.seed == evaluation.seed, "evaluation.seed", o.evaluation.seed, "left as it is; set seed");
  require(o.evaluation.threads == evaluation.threads, "evaluation.threads", o.evaluation.threads,
          "left as it is; set threads");
  require(o.evaluation.first == 0, "evaluation.first", o.evaluation.first, "0");
  require(o.evaluation.density, "evaluation.density", false, "true");
  require(o.schedule.learning_rate == Schedule{}.learning_rate, "schedule.learning_rate", o.schedule.learning_rate,
          "left as it is; set adam.learning_rate or Stage::learning_rate");
  require(o.schedule.iterations == 0, "schedule.iterations", o.schedule.iterations, "0; a stage gives its own number");
}

void check_time(const TrainerOptions& o) {
  require(o.seconds >= 0 && std::isfinite(o.seconds), "seconds", o.seconds, ">= 0");
  require(o.seconds_spent >= 0, "seconds_spent", o.seconds_spent, ">= 0");
  require(o.cooldown_share > 0 && o.cooldown_share < 1, "cooldown_share", o.cooldown_share, "in (0, 1)");
  if (o.seconds > 0 && o.schedule.kind != Schedule::Kind::trapezoid)
    throw InputError("seconds: a run with a limit needs a trapezoid as its schedule");
}

void check_directory(const TrainerOptions& o) {
  if (o.directory.empty() && o.resume) throw InputError("resume: needs the directory of the run");
  if (o.directory.empty() && o.replace) throw InputError("replace: needs a directory");
  if (o.resume && o.replace) throw InputError("replace: a resumed run continues in its directory and replaces nothing");
}

}  // namespace

TrainerOptions checked(TrainerOptions options) {
  check_ranges(options);
  check_left_alone(options);
  options.evaluation.solver.check();
  options.evaluation.trace.check();
  check_time(options);
  check_directory(options);
  return options;
}

}  // namespace pathline

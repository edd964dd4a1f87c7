#include "app/minimize_flags.hpp"

#include <fmt/format.h>

#include "core/named_value.hpp"

namespace pathline {

void MinimizeFlags::add_to(Command c) {
  c.add_option("--optimizer", optimizer, fmt::format("{}", fmt::join(optimizer_names(), ", ")))
      .show_default()
      .choices(optimizer_names());
  c.add_option("--iterations", iterations, "number of iterations").show_default();
  c.add_option("--learning-rate", learning_rate, "learning rate").show_default();
  c.add_option("--schedule", schedule, "of the learning rate: constant, or cosine, which falls to 0")
      .show_default()
      .choices({"constant", "cosine"});
  c.add_option("--weight-decay", weight_decay, "decoupled weight decay (AdamW) of the weights").show_default();
  c.add_option("--clip", clip, "largest norm of the gradient; 0: no limit").show_default();
}

MinimizeOptions MinimizeFlags::options() const {
  return {.optimizer = parse_optimizer(optimizer),
          .iterations = iterations,
          .learning_rate = learning_rate,
          .schedule = parse_named<Schedule::Kind>("schedule", schedule, {"constant", "cosine"}),
          .weight_decay = weight_decay,
          .clip = clip};
}

}  // namespace pathline

#include "app/minimize_flags.hpp"

#include <fmt/format.h>

#include "core/named_value.hpp"

namespace pathline {

void MinimizeFlags::add_to(CLI::App* c) {
  c->add_option("--optimizer", optimizer, fmt::format("{}", fmt::join(optimizer_names(), ", ")))->capture_default_str();
  c->add_option("--iterations", iterations, "number of iterations")->capture_default_str();
  c->add_option("--learning-rate", learning_rate, "learning rate")->capture_default_str();
  c->add_option("--schedule", schedule, "of the learning rate: constant, or cosine, which falls to 0")
      ->capture_default_str();
  c->add_option("--weight-decay", weight_decay, "decoupled weight decay (AdamW) of the weights")->capture_default_str();
  c->add_option("--clip", clip, "largest norm of the gradient; 0: no limit")->capture_default_str();
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

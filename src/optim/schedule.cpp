#include "pathline/optim/schedule.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

#include <fmt/format.h>

#include "core/option_check.hpp"

namespace pathline {

const std::vector<std::string>& Schedule::kind_names() {
  static const std::vector<std::string> names = {"constant", "cosine", "step", "trapezoid"};
  return names;
}

void check_schedule(const Schedule& s) {
  require(s.learning_rate > 0 && std::isfinite(s.learning_rate), "learning_rate", s.learning_rate, "> 0 and finite");
  require(s.warmup >= 0, "warmup", s.warmup, ">= 0");
  if (s.kind == Schedule::Kind::cosine) {
    require(s.iterations > s.warmup, "iterations", s.iterations, fmt::format("> warmup = {}", s.warmup));
    require(s.final >= 0 && s.final <= 1, "final", s.final, "in [0, 1]");
  }
  if (s.kind == Schedule::Kind::trapezoid) {
    require(s.cooldown >= 0 && s.cooldown <= s.iterations, "cooldown", s.cooldown,
            fmt::format("in [0, iterations = {}]", s.iterations));
    require(s.final >= 0 && s.final <= 1, "final", s.final, "in [0, 1]");
  }
  if (s.kind == Schedule::Kind::step) {
    require(s.decay_every > 0, "decay_every", s.decay_every, "> 0");
    require(s.decay_factor > 0 && s.decay_factor <= 1, "decay_factor", s.decay_factor, "in (0, 1]");
  }
}

double learning_rate(const Schedule& s, Index iteration) {
  assert(iteration >= 0);
  if (iteration < s.warmup) return s.learning_rate * static_cast<double>(iteration + 1) / static_cast<double>(s.warmup);
  const Index after = iteration - s.warmup;
  switch (s.kind) {
    case Schedule::Kind::constant:
      break;
    case Schedule::Kind::cosine: {
      constexpr double pi = 3.14159265358979323846;
      const double way = std::min(1.0, static_cast<double>(after) / static_cast<double>(s.iterations - s.warmup));
      return s.learning_rate * (s.final + (1 - s.final) * 0.5 * (1 + std::cos(pi * way)));
    }
    case Schedule::Kind::trapezoid: {
      const Index into = iteration - (s.iterations - s.cooldown);
      if (into < 0) return s.learning_rate;
      const double way = s.cooldown == 0 ? 1 : std::min(1.0, static_cast<double>(into) / static_cast<double>(s.cooldown));
      return s.learning_rate * (s.final + (1 - s.final) * (1 - std::sqrt(way)));
    }
    case Schedule::Kind::step:
      return s.learning_rate * std::pow(s.decay_factor, static_cast<double>(after / s.decay_every));
  }
  return s.learning_rate;
}

}  // namespace pathline

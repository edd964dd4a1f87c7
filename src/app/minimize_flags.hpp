// The options of an optimizer.
#pragma once

#include <string>

#include "app/command_line.hpp"
#include "pathline/optim/minimize.hpp"

namespace pathline {

struct MinimizeFlags {
  std::string optimizer = "adam", schedule = "cosine";
  Index iterations = 1000;
  double learning_rate = 1e-2, weight_decay = 0, clip = 0;
  void add_to(Command command);
  MinimizeOptions options() const;  // InputError
};

}  // namespace pathline

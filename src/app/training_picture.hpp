// Pictures of the course of runs: loss, validation, evaluations and gradient against the iteration.
#pragma once

#include <string>
#include <vector>

#include "pathline/app/figure.hpp"

namespace pathline {

struct TrainingLines {
  std::string name;                // of the run, in the legend of several
  std::vector<std::string> lines;  // of metrics.jsonl
};
plot::Figure training_picture(const std::vector<TrainingLines>& runs, const plot::FigureOptions& options);

}  // namespace pathline

// Pictures of how runs went: loss, validation, evaluations and gradient against the iteration.
#pragma once

#include <string>
#include <vector>

#include "pathline/app/figure.hpp"
#include "pathline/checkpoint/model.hpp"

namespace pathline {

// The lines of metrics.jsonl. In the directory of a run they continue after the best model; a model file has those
// until the model was written.
std::vector<std::string> metrics_of(const std::string& model, const ModelCard& card);

struct TrainingLines {
  std::string name;                // of the run, in the legend of several
  std::vector<std::string> lines;  // of metrics.jsonl
};
plot::Figure training_picture(const std::vector<TrainingLines>& runs, const plot::FigureOptions& options);

}  // namespace pathline

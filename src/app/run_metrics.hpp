// The metrics of the training of a model.
#pragma once

#include <string>
#include <vector>

#include "pathline/checkpoint/model.hpp"

namespace pathline {

// The lines of metrics.jsonl. model: a file or the directory of a run. Those of a directory continue after the best
// model; a model file has the lines up to the moment when it was written.
std::vector<std::string> metrics_of(const std::string& model, const ModelCard& card);

}  // namespace pathline

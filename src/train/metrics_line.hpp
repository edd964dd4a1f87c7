// A line of metrics.jsonl: one evaluation of a run.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "pathline/train/trainer.hpp"

namespace pathline {

std::string metrics_line(const TrainingProgress& progress, const Evaluation& e);

// A number of such a line; NaN where it is missing, or null, which is what JSON has for a NaN.
double metric(const nlohmann::json& line, const char* key);

}  // namespace pathline

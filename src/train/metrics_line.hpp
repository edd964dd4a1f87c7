// A line of metrics.jsonl: one evaluation of a run.
#pragma once

#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "pathline/checkpoint/model.hpp"
#include "pathline/train/trainer.hpp"

namespace pathline {

std::string metrics_line(const TrainingProgress& progress, const Evaluation& e);

// A number of such a line; NaN where it is missing, or null, which is what JSON has for a NaN.
double metric(const nlohmann::json& line, const char* key);

// The validation NLL of the best model of a run, nats; none for a model that was imported, or trained on a target.
std::optional<double> validation_nll(const ModelCard& card);

}  // namespace pathline

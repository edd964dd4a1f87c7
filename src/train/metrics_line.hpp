// One line of metrics.jsonl, which describes one evaluation of a run.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "pathline/checkpoint/model.hpp"
#include "pathline/train/trainer.hpp"

namespace pathline {

std::string metrics_line(const TrainingProgress& progress, const Evaluation& e);

// A line for an iteration that went wrong. event: "skipped" or "rolled back". rate: the factor of the learning rate
// from now on.
std::string event_line(Index iteration, std::size_t stage, const std::string& event, const std::string& reason,
                       double rate);

// Parses a line of metrics.jsonl; an empty object if it is not valid.
nlohmann::json read_metrics_line(const std::string& line);

bool is_best(const nlohmann::json& line);

// A number of such a line; NaN if it is missing or null, because JSON has no NaN.
double metric(const nlohmann::json& line, const char* key);

// The figure of the last best model in the metrics; none for an imported model.
std::optional<TrainedFigure> trained_figure(const std::vector<std::string>& metrics);

// The validation NLL of the best model of a run, in nats; none for an imported model or one trained on a target.
std::optional<double> validation_nll(const ModelCard& card);

}  // namespace pathline

#include "train/metrics_line.hpp"

#include <cmath>

namespace pathline {

std::string metrics_line(const TrainingProgress& p, const Evaluation& e) {
  nlohmann::ordered_json line = {{"iteration", p.iteration}, {"stage", p.stage},
                                 {"objective", p.kind},      {"loss", p.loss},
                                 {"validation_nll", e.nll},  {"validation_error", e.nll_error}};
  if (e.ess) line["ess"] = *e.ess, line["log_z"] = *e.log_z, line["log_z_error"] = *e.log_z_error;
  if (e.pareto_k) line["pareto_k"] = *e.pareto_k;
  if (e.kl) line["validation_kl"] = *e.kl, line["validation_kl_error"] = *e.kl_error;
  line.update({{"best", p.best},
               {"nfe", p.nfe},
               {"backward_nfe", p.backward_nfe},
               {"evaluation_nfe", e.nfe},
               {"gradient_norm", p.gradient_norm},
               {"learning_rate", p.learning_rate},
               {"samples_per_second", p.samples_per_second},
               {"seconds", p.seconds}});
  return line.dump();
}

std::string event_line(Index iteration, std::size_t stage, const std::string& event, const std::string& reason,
                       double rate) {
  return nlohmann::ordered_json{
      {"iteration", iteration}, {"stage", stage}, {"event", event}, {"reason", reason}, {"learning_rate_factor", rate}}
      .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

nlohmann::json read_metrics_line(const std::string& line) {
  auto read = nlohmann::json::parse(line, nullptr, false);
  return read.is_object() ? read : nlohmann::json::object();
}

bool is_best(const nlohmann::json& line) {
  const auto found = line.find("best");
  return found != line.end() && found->is_boolean() && found->get<bool>();
}

double metric(const nlohmann::json& line, const char* key) {
  const auto found = line.find(key);
  return found != line.end() && found->is_number() ? found->get<double>() : std::nan("");
}

std::optional<TrainedFigure> trained_figure(const std::vector<std::string>& metrics) {
  for (auto line = metrics.rbegin(); line != metrics.rend(); ++line) {
    const auto j = read_metrics_line(*line);
    if (!is_best(j)) continue;
    const TrainedFigure out{metric(j, "validation_nll"), metric(j, "validation_error"), j.contains("ess")};
    if (std::isfinite(out.nll) && std::isfinite(out.error)) return out;
  }
  return std::nullopt;
}

std::optional<double> validation_nll(const ModelCard& card) {
  for (auto line = card.metrics.rbegin(); line != card.metrics.rend(); ++line) {
    const auto j = read_metrics_line(*line);
    if (!is_best(j) || j.contains("ess")) continue;
    if (const double nll = metric(j, "validation_nll"); std::isfinite(nll)) return nll;
  }
  return std::nullopt;
}

}  // namespace pathline

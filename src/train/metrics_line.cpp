#include "train/metrics_line.hpp"

#include <cmath>

namespace pathline {

std::string metrics_line(const TrainingProgress& p, const Evaluation& e) {
  nlohmann::ordered_json line = {{"iteration", p.iteration},   {"stage", p.stage},
                                 {"objective", p.kind},        {"loss", p.loss},
                                 {"validation_nll", e.nll},    {"validation_error", e.nll_error}};
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

double metric(const nlohmann::json& line, const char* key) {
  const auto found = line.find(key);
  return found != line.end() && found->is_number() ? found->get<double>() : std::nan("");
}

std::optional<double> validation_nll(const ModelCard& card) {
  for (auto line = card.metrics.rbegin(); line != card.metrics.rend(); ++line) {
    const auto j = nlohmann::json::parse(*line, nullptr, false);
    if (j.is_discarded() || !j.value("best", false) || j.contains("ess")) continue;
    if (const double nll = metric(j, "validation_nll"); std::isfinite(nll)) return nll;
  }
  return std::nullopt;
}

}  // namespace pathline

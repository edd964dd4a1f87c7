#include "app/run_metrics.hpp"

#include "train/run_directory.hpp"

namespace pathline {

std::vector<std::string> metrics_of(const std::string& model, const ModelCard& card) {
  auto lines = RunDirectory(model).metrics_lines();
  return lines.size() > card.metrics.size() ? lines : card.metrics;
}

}  // namespace pathline

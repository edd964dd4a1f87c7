#include "app/run_metrics.hpp"

#include <filesystem>
#include <fstream>

namespace pathline {

std::vector<std::string> metrics_of(const std::string& model, const ModelCard& card) {
  std::ifstream file(std::filesystem::path(model) / "metrics.jsonl");
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines.size() > card.metrics.size() ? lines : card.metrics;
}

}  // namespace pathline

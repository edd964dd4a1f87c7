// The page of `pathline report`: text and pictures of a model as one file of HTML.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/flow_frames.hpp"
#include "pathline/train/trainer.hpp"
#include "pathline/verify/check.hpp"

namespace pathline {

struct ReportPage {
  std::string title, lead;                                   // plain text, as everything here
  std::vector<std::pair<std::string, std::string>> summary;  // what was trained: name and value
  std::vector<std::string> metrics;                          // the lines of metrics.jsonl
  std::string picture;                                       // the bytes of a PNG
  std::vector<Check> checks;                                 // of `verify`; none: not run
  std::string compared_with;                                 // what the checks compared it with
  std::optional<Yardstick> yardstick;
  double nll = 0, nll_error = 0;  // of the model, for comparison with the yardstick
  std::string recipe;             // TOML, or empty
  std::optional<FlowFrames> frames;
  std::vector<std::string> columns;
};

std::string html_of(const ReportPage& page);

}  // namespace pathline

// The options of `pathline plot`, which a report uses too.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "app/flags.hpp"

namespace pathline {

struct PlotFlags {
  std::vector<std::string> models;  // one; several of --training
  std::string output, data, condition, title, truth, times;
  std::vector<std::string> columns, log;
  Index samples = 10000, cells = 240;
  double size = 800;  // px: the width of the picture
  std::uint64_t seed = 0;
  bool paths = false, training = false, error = false, field = false, residual = false;
  CommonFlags common;
  Command command;  // tells which options were given
  const std::string& model() const { return models.front(); }
};

}  // namespace pathline

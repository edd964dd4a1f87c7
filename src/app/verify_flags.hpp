// The options of `pathline verify`, and its checks, which a report shows too.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "app/flags.hpp"
#include "pathline/verify/check.hpp"

namespace pathline {

struct VerifyFlags {
  std::string model, data;
  bool json = false;
  std::uint64_t seed = 0;
  CommonFlags common;
};

// The checks of a model's file. with: what it was compared with, empty if there is nothing. done is called after each.
std::vector<Check> results_of(const VerifyFlags& flags, const std::string& file, const ModelCard& card,
                              std::string& with, const std::function<void(const Check&)>& done);

std::string figure_text(double value);   // "0.012", or "-" for a NaN
std::string bound_text(const Check& c);  // "<= 0.01"

}  // namespace pathline

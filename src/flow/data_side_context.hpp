// The context of the maps to the data's units.
#pragma once

#include "pathline/transform/transform.hpp"

namespace pathline {

// These maps use nothing of it but the number of the first point.
struct DataSideContext {
  TransformScratch<double> scratch;
  SolveOptions<double> options;
  Matrix<double> condition;
  TransformContext<double> at(Index first) { return {scratch, options, condition, first}; }
};

}  // namespace pathline

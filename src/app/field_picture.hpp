// The vector field of a flow as arrows over its density, at several times.
#pragma once

#include <string>
#include <vector>

#include "pathline/app/figure.hpp"
#include "pathline/flow/flow.hpp"

namespace pathline {

struct FieldPicture {
  std::string title = {};
  std::vector<std::string> columns = {};  // names of the two
  std::vector<double> times = {};         // of the flow; a panel each
  Index cells = 240;                      // of a side of the density
  Index arrows = 15;                      // of a side
  bool residual = false;                  // also the residual of the continuity equation, beside each density
  double width = 800;                     // px, of the whole
  Matrix<double> condition = {};          // dc x 1
  std::uint64_t seed = 0;                 // of the draws that give the range
  bool quiet = true;                      // no progress
};

// Panels of p_t(x), in rows or each beside its residual, with the velocity dx/dt where the density is at least a
// thousandth of its highest value. The arrows of all panels have one scale: the velocity that 98 % of them are not
// above is a cell of their grid long. residual: |(d/dt + f grad) log p_t + div f| / (1 + |div f|) as a power of ten,
// and in the title what 90 % of the points with that density are below. For two columns. InputError for a flow without
// a continuous block.
plot::Figure field_figure(const Flow<double>& flow, const FieldPicture& what, const EvaluationOptions& options);

}  // namespace pathline

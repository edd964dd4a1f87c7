// Whether the rows of a table lie on a curved surface, as where one column was computed from others: a column is nearly
// a curved function of one or two others, or columns obey an equation of second degree.
#pragma once

#include <string>
#include <vector>

#include "pathline/core/types.hpp"

namespace pathline {

// One sentence for each column that is nearly a curved function of one or two others: near such a function the density
// is so narrow that few rows do not determine it. What is a straight function, of the values or of their ranks, needs
// no sentence, because covariances and maps of the columns follow it. x: d x N, the first rows a random sample of all.
// modelled: whether a column is one of those whose density is wanted, and has no few values.
std::vector<std::string> surface_findings(ConstMatrixRef<double> x, const std::vector<std::string>& names,
                                          const std::vector<bool>& modelled);

}  // namespace pathline

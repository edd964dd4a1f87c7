// Whether columns of a table obey an equation of second degree, as energy and momentum of a particle do.
#pragma once

#include <string>
#include <vector>

#include "pathline/core/types.hpp"

namespace pathline {

// One sentence if columns, one of them at least modelled, nearly obey an equation of second degree; otherwise empty. x:
// d x N, the first rows a random sample of all. modelled: whether a column is one of those whose density is wanted.
std::string quadric_finding(ConstMatrixRef<double> x, const std::vector<std::string>& names,
                            const std::vector<bool>& modelled);

}  // namespace pathline

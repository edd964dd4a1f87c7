// Clusters of rows, from which the fit of a mixture starts.
#pragma once

#include <vector>

#include "fit/mixture_rows.hpp"
#include "pathline/core/random.hpp"

namespace pathline {

struct Clusters {
  Index count;                 // of clusters
  std::vector<Index> nearest;  // of each row, in [0, count)
};

// k-means with the start of Arthur & Vassilvitskii (2007), in columns divided by `deviation`. Fewer distinct rows than
// `components` make fewer clusters. The numbers of the clusters are such that clusters with near numbers are near.
Clusters find_clusters(const MixtureRows& data, const Vector<double>& deviation, Index components, Engine& engine);

}  // namespace pathline

#include "objective/assignment.hpp"

#include <cassert>
#include <cmath>
#include <cstdint>

// LEMON 1.3 uses members of std::allocator that C++20 removed, so CMake compiles this file as C++17.
#include <lemon/smart_graph.h>
#include <lemon/network_simplex.h>

namespace pathline {

// A minimum-cost flow on the complete bipartite graph, by LEMON's network simplex. Its costs are integers; the largest
// is scaled to 2^40, so that two assignments with equal integer costs differ by less than n 2^-40 of the largest.
std::vector<Index> solve_assignment(const Matrix<double>& cost) {
  using Graph = lemon::SmartDigraph;
  const int n = static_cast<int>(cost.rows());
  assert(cost.cols() == n && cost.allFinite());
  if (n == 0) return {};
  const double low = cost.minCoeff(), range = cost.maxCoeff() - low;
  const double scale = range > 0 ? std::ldexp(1.0, 40) / range : 0;
  Graph graph;
  graph.reserveNode(2 * n), graph.reserveArc(n * n);
  for (int i = 0; i < 2 * n; ++i) graph.addNode();
  const auto row = [&](int i) { return graph.nodeFromId(i); };
  const auto column = [&](int j) { return graph.nodeFromId(n + j); };
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < n; ++j) graph.addArc(row(i), column(j));  // the arc gets the id n i + j
  Graph::ArcMap<std::int64_t> costs(graph);
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < n; ++j) costs[graph.arcFromId(n * i + j)] = std::llround((cost(i, j) - low) * scale);
  Graph::NodeMap<std::int64_t> supply(graph);
  for (int i = 0; i < n; ++i) supply[row(i)] = 1, supply[column(i)] = -1;
  lemon::NetworkSimplex<Graph, std::int64_t, std::int64_t> simplex(graph, false);
  simplex.costMap(costs).supplyMap(supply);
  [[maybe_unused]] const auto status = simplex.run();
  assert(status == simplex.OPTIMAL);
  std::vector<Index> out(static_cast<std::size_t>(n), -1);
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < n; ++j)
      if (simplex.flow(graph.arcFromId(n * i + j)) > 0) out[static_cast<std::size_t>(i)] = j;
  return out;
}

}  // namespace pathline

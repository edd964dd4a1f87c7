// A density: a standard normal base, a continuous flow, and the affine map to the data's own units.
#pragma once

#include <cstdint>

#include "pathline/flow/cnf.hpp"

namespace pathline {

struct EvaluationOptions {
  SolverOptions solver{.rtol = 1e-6, .atol = 1e-6};
  TraceOptions trace;
  std::uint64_t seed = 0;  // of the probes
  Index tile = 64;         // samples solved together; results do not depend on the number of threads
};

template <class S> struct LogProb {
  RowVector<double> log_prob;  // 1 x N, nats, of the data in its own units
  Matrix<S> base;              // d x N: z at the base
  SolveReport report;          // sums over the tiles
  double nfe = 0;              // mean over the tiles
};

template <class S> struct Samples {
  Matrix<double> points;       // d x N, in the data's units
  RowVector<double> log_prob;  // 1 x N
  SolveReport report;
  double nfe = 0;
};

// x = mean + scale * z(T). log p(x) = log N(z(0)) - integral_0^T tr(df/dz) dt - sum(log scale).
template <class S> class Flow {
 public:
  explicit Flow(Cnf<S> cnf);  // mean 0, scale 1
  Index dim() const { return cnf.field->dim(); }

  // x: d x N, c: dc x N (no rows without a condition). NumericalError with advice if a solve fails.
  LogProb<S> log_prob(ConstMatrixRef<double> x, ConstMatrixRef<double> c, const EvaluationOptions& options = {}) const;

  // N draws, a function of (seed, first): draws first ... first + N - 1 of one stream of tiles, so that a long stream
  // can be made in parts; first is a multiple of the tile.
  Samples<S> sample(Index n, std::uint64_t seed, const EvaluationOptions& options = {}, Index first = 0) const;

  // Base to data.
  Samples<S> push(const Matrix<S>& base, const EvaluationOptions& options = {}) const;

  // (x - mean) / scale, d x B: what the continuous flow sees; and sum(log scale), which the density loses by it.
  Matrix<S> standardized(ConstMatrixRef<double> x) const;
  double log_scale() const;

  Cnf<S> cnf;
  Vector<double> mean, scale;  // d; scale > 0
};

// log N(z; 0, 1) of each column: 1 x B.
template <class S> RowVector<double> standard_normal_log_density(ConstMatrixRef<S> z);

extern template class Flow<float>;
extern template class Flow<double>;

}  // namespace pathline

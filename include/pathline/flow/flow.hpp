// A density: a base, a chain of continuous flows with batch norms between, and the affine map to the data's own units.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pathline/flow/base.hpp"
#include "pathline/flow/batch_norm.hpp"
#include "pathline/flow/cnf.hpp"

namespace pathline {

struct EvaluationOptions {
  SolverOptions solver{.rtol = 1e-6, .atol = 1e-6};
  TraceOptions trace;
  std::uint64_t seed = 0;  // of the probes
  Index first = 0;         // of a stream made in parts, the first sample's number: for the probes; a multiple of tile
  Index tile = 64;         // samples solved together; results do not depend on the number of threads
  bool density = true;     // false: the points alone, which is several times cheaper; log-densities are then NaN
};

template <class S> struct LogProb {
  RowVector<double> log_prob;  // 1 x N, nats, of the data in its own units
  Matrix<S> base;              // d x N: z at the base
  SolveReport report;          // sums over the tiles
  double nfe = 0;              // mean over the tiles, summed over the blocks
};

template <class S> struct Samples {
  Matrix<double> points;       // d x N, in the data's units
  RowVector<double> log_prob;  // 1 x N
  SolveReport report;
  double nfe = 0;
};

struct Transformed {
  Matrix<double> points;        // d x N, in the data's units
  RowVector<double> log_change; // 1 x N: log-density there minus log-density where it began
  SolveReport report;
  double nfe = 0;
};

// Where the parameters of each part stand in the flat theta of a flow; -1 for what is not there.
struct FlowLayout {
  std::vector<Index> field, root_time, norm;  // a block; a block; a norm (log_weight, then bias)
  Index base = 0, size = 0;
};

// g(x) = mean + scale * z(T), g(x) = x but for bounded data. log p(x) = log p0(z(0)) - integral_0^T tr(df/dz) dt -
// sum(log scale), T the sum of the blocks' end times and the norms' determinants beside the traces.
template <class S> class Flow {
 public:
  explicit Flow(Cnf<S> block);  // standard normal base, mean 0, scale 1
  explicit Flow(std::vector<Cnf<S>> blocks);
  Flow clone() const;           // with fields and a base of its own: a copy shares them

  Index dim() const { return mean.size(); }
  Index condition_dim() const { return blocks.front().field->condition_dim(); }
  double end_time() const;      // the sum of the blocks'

  // All that is trained, flat: fields, square roots of trained end times (as FFJORD's sqrt_end_time), norms, base.
  FlowLayout layout() const;
  std::vector<Parameter> parameters() const;  // "blocks.0.layers.0._layer.weight", "norms.0.bias", "base.mean"
  Vector<double> theta() const;
  void set_theta(ConstVectorRef<double> theta);

  // x: d x N, c: dc x N (no rows without a condition). InputError for other shapes; NumericalError with advice if a
  // solve fails.
  LogProb<S> log_prob(ConstMatrixRef<double> x, ConstMatrixRef<double> c, const EvaluationOptions& options = {}) const;
  // Of the distribution at time t in [0, end_time()], at points x in the data's units: the base's at 0, the data's at
  // the end.
  LogProb<S> log_prob_at(double t, ConstMatrixRef<double> x, ConstMatrixRef<double> c,
                         const EvaluationOptions& options = {}) const;

  // N draws, a function of (seed, first): draws first ... first + N - 1 of one stream of tiles, so that a long stream
  // can be made in parts; first is a multiple of the tile.
  Matrix<S> draw_base(Index n, std::uint64_t seed, Index tile = EvaluationOptions{}.tile, Index first = 0) const;
  Samples<S> sample(Index n, std::uint64_t seed, const EvaluationOptions& options = {}, Index first = 0,
                    ConstMatrixRef<double> c = Matrix<double>(0, 0)) const;

  // Base (z at time 0, d x N) to data.
  Samples<S> push(const Matrix<S>& base, const EvaluationOptions& options = {},
                  ConstMatrixRef<double> c = Matrix<double>(0, 0)) const;

  // Points x in the data's units, at time `from`, taken to time `to`; both in [0, end_time()].
  Transformed transform(ConstMatrixRef<double> x, ConstMatrixRef<double> c, double from, double to,
                        const EvaluationOptions& options = {}) const;

  // As push, with the points at rising times in [0, end_time()] on the way: times.size() arrays of d x N, in the
  // data's units (mean + scale z).
  Samples<S> push_along(const Matrix<S>& base, const std::vector<double>& times, std::vector<Matrix<double>>& along,
                        const EvaluationOptions& options = {},
                        ConstMatrixRef<double> c = Matrix<double>(0, 0)) const;

  // (g(x) - mean) / scale, d x B: what the chain sees; its inverse; and minus the logarithm of its determinant at x, or
  // at the x of z (1 x B), which the density loses by it. InputError for an x outside of (0, 1) where there is a logit.
  Matrix<S> standardized(ConstMatrixRef<double> x) const;
  Matrix<double> unstandardized(ConstMatrixRef<double> z) const;
  RowVector<double> log_scale(ConstMatrixRef<double> x) const;
  RowVector<double> log_scale_of_standardized(ConstMatrixRef<double> z) const;
  // (c - condition_mean) / condition_scale of columns begin ... begin + batch - 1, as the fields see it: dc x batch.
  Matrix<S> standardized_condition(ConstMatrixRef<double> c, Index begin, Index batch) const;

  std::vector<Cnf<S>> blocks;    // from the base to the data
  std::vector<BatchNorm> norms;  // none, or one before, between and after: norms[i] is on the base side of blocks[i]
  std::shared_ptr<Base> base;
  Vector<double> mean, scale;    // d; scale > 0
  double logit = 0;              // alpha in [0, 0.5): g(x) = logit(alpha + (1 - 2 alpha) x) for data in [0, 1]
                                 // (Papamakarios et al. 2017, section 4.1); 0: g(x) = x
  Vector<double> condition_mean, condition_scale;  // dc

 private:
  void check(ConstMatrixRef<double> x, ConstMatrixRef<double> c) const;
  void check_time(double t) const;
};

extern template class Flow<float>;
extern template class Flow<double>;

}  // namespace pathline

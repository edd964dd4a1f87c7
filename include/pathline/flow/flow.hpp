/// A density: a base, a chain of transforms, and the maps behind it to the data's own units.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pathline/core/clone_ptr.hpp"
#include "pathline/flow/base.hpp"
#include "pathline/transform/affine.hpp"
#include "pathline/transform/batch_norm.hpp"
#include "pathline/transform/chain.hpp"
#include "pathline/transform/cnf.hpp"
#include "pathline/transform/logit.hpp"

namespace pathline {

struct EvaluationOptions {
  SolverOptions solver{.rtol = 1e-6, .atol = 1e-6};
  TraceOptions trace;
  std::uint64_t seed = 0;  ///< of the probes
  Index first = 0;         ///< of a stream made in parts, the first sample's number: for the probes; a multiple of tile
  Index tile = 64;         ///< samples solved together; results do not depend on the number of threads
  bool density = true;     ///< false: the points alone, which is several times cheaper; log-densities are then NaN
  int threads = 1;         ///< >= 0, 0: one per core. Results do not depend on it, bit for bit
};

template <class S> struct LogProb {
  RowVector<double> log_prob;  ///< 1 x N, nats, of the data in its own units
  Matrix<S> latent;            ///< d x N: the latent points, z at the base
  SolveReport report;          ///< sums over the tiles
  double nfe = 0;              ///< mean over the tiles, summed over the blocks
};

template <class S> struct Samples {
  Matrix<double> points;       ///< d x N, in the data's units
  RowVector<double> log_prob;  ///< 1 x N
  SolveReport report;
  double nfe = 0;
};

struct Transformed {
  Matrix<double> points;         ///< d x N, in the data's units
  RowVector<double> log_change;  ///< 1 x N: log-density there minus log-density where it began
  SolveReport report;
  double nfe = 0;
};

/// The gradient of log p by x, of each point.
struct Score {
  Matrix<double> score;        ///< d x N, in the data's units
  RowVector<double> log_prob;  ///< 1 x N
  SolveReport report, backward;
  double nfe = 0, backward_nfe = 0;  ///< means over the tiles
};

struct ScoreOptions {
  SolverOptions solver{.rtol = 1e-6, .atol = 1e-6};
  TraceOptions trace;
  AdjointKind adjoint = AdjointKind::discrete;
  std::uint64_t seed = 0;  ///< of the probes
  Index tile = 64;
  int threads = 1;  ///< >= 0, 0: one per core
};

/// Where the parameters of each part stand in the flat theta of a flow. chain, data_side: of each transform.
struct FlowLayout {
  std::vector<Index> chain, data_side;
  Index base = 0, size = 0;
};

/// log p(x) = log p0(z) + log|det dz/dx|, z the image of x on the base's side of `data_side` and `chain`. A value: a
/// copy shares nothing.
template <class S> class Flow {
 public:
  explicit Flow(Chain<S> chain);  ///< standard normal base, no data side; one transform at least
  explicit Flow(Cnf<S> block);
  /// norms: none, or one before, between and after the blocks.
  explicit Flow(std::vector<Cnf<S>> blocks, std::vector<BatchNorm<S>> norms = {});
  /// A flow of the same vector fields, by intent: set_theta of one changes the other.
  [[nodiscard]] Flow share() const;

  Index dim() const { return base->dim(); }
  Index condition_dim() const { return condition_mean.size(); }
  double end_time() const { return chain.end_time(); }  ///< the sum of the durations; 0: no transform takes time

  /// All that is trained, flat: the chain's, the data side's, the base's.
  [[nodiscard]] FlowLayout layout() const;
  /// "blocks.0.layers.0._layer.weight", "norms.0.bias", "base.mean"
  [[nodiscard]] std::vector<Parameter> parameters() const;
  [[nodiscard]] Vector<double> theta() const;
  void set_theta(ConstVectorRef<double> theta);

  /// x: d x N, c: dc x N; leave c out for a flow without a condition. Throws InputError for other shapes and for a
  /// number that is not finite, and NumericalError with advice if a solve fails; both name the first such point, of which
  /// number options.first + 1 is the first.
  [[nodiscard]] LogProb<S> log_prob(ConstMatrixRef<double> x, ConstMatrixRef<double> c = Matrix<double>(0, 0),
                                    const EvaluationOptions& options = {}) const;
  /// By the adjoint; also through the data side.
  [[nodiscard]] Score score(ConstMatrixRef<double> x, ConstMatrixRef<double> c = Matrix<double>(0, 0),
                            const ScoreOptions& options = {}) const;
  /// Of the distribution at time t in [0, end_time()], at points x in the data's units: the base's at 0, the data's at
  /// the end.
  [[nodiscard]] LogProb<S> log_prob_at(double t, ConstMatrixRef<double> x,
                                       ConstMatrixRef<double> c = Matrix<double>(0, 0),
                                       const EvaluationOptions& options = {}) const;

  /// N draws, a function of (seed, first): draws first ... first + N - 1 of one stream of tiles, so that a long stream
  /// can be made in parts; first (options.first) is a multiple of the tile.
  [[nodiscard]] Matrix<S> draw_base(Index n, std::uint64_t seed, Index tile = EvaluationOptions{}.tile,
                                    Index first = 0) const;
  [[nodiscard]] Samples<S> sample(Index n, std::uint64_t seed, const EvaluationOptions& options = {},
                                  ConstMatrixRef<double> c = Matrix<double>(0, 0)) const;

  /// Base (z at time 0, d x N) to data.
  [[nodiscard]] Samples<S> push(const Matrix<S>& base, const EvaluationOptions& options = {},
                                ConstMatrixRef<double> c = Matrix<double>(0, 0)) const;

  /// Points x in the data's units, at time `from`, taken to time `to`; both in [0, end_time()].
  [[nodiscard]] Transformed transform(ConstMatrixRef<double> x, double from, double to,
                                      ConstMatrixRef<double> c = Matrix<double>(0, 0),
                                      const EvaluationOptions& options = {}) const;

  /// As push, with the points at rising times in [0, end_time()] on the way: times.size() arrays of d x N, in the
  /// data's units (mean + scale z).
  Samples<S> trajectory(const Matrix<S>& base, const std::vector<double>& times, std::vector<Matrix<double>>& along,
                        const EvaluationOptions& options = {}, ConstMatrixRef<double> c = Matrix<double>(0, 0)) const;

  /// x in the data's units (d x B) to the data's end of the chain, and back. log_det, unless null: 1 x B, log|det| of
  /// the map is added. first: the number of the first point, for messages.
  [[nodiscard]] Matrix<S> standardized(ConstMatrixRef<double> x, RowVector<double>* log_det = nullptr,
                                       Index first = 0) const;
  [[nodiscard]] Matrix<double> in_data_units(ConstMatrixRef<double> z, RowVector<double>* log_det = nullptr) const;
  /// (c - condition_mean) / condition_scale of columns begin ... begin + batch - 1, as the fields see it: dc x batch.
  [[nodiscard]] Matrix<S> standardized_condition(ConstMatrixRef<double> c, Index begin, Index batch) const;

  /// The affine map next to the chain, x = mean + scale z (d each; 0 and 1 if there is none), and the logit behind it
  /// (alpha in [0, 0.5); 0: none), as `data_side` has them.
  void standardize(const Vector<double>& mean, const Vector<double>& scale);
  Vector<double> mean() const;
  Vector<double> scale() const;
  void set_logit(double alpha);
  double logit() const;

  /// The chain's transforms of one kind, from the base to the data.
  std::vector<const Cnf<S>*> blocks() const { return chain.template all<Cnf<S>>(); }
  std::vector<Cnf<S>*> blocks() { return chain.template all<Cnf<S>>(); }
  std::vector<const BatchNorm<S>*> norms() const { return chain.template all<BatchNorm<S>>(); }
  std::vector<BatchNorm<S>*> norms() { return chain.template all<BatchNorm<S>>(); }

  Chain<S> chain;           ///< from the base towards the data
  Chain<double> data_side;  ///< from there to the data's units: always in double, without a condition
  ClonePtr<Base> base;
  Vector<double> condition_mean, condition_scale;  ///< dc

 private:
  void check(ConstMatrixRef<double> x, ConstMatrixRef<double> c, Index first) const;
  void check_time(double t) const;
  LogProb<S> log_prob_from(double t, ConstMatrixRef<double> x, ConstMatrixRef<double> c,
                           const EvaluationOptions& options) const;
};

extern template class Flow<float>;
extern template class Flow<double>;

}  // namespace pathline

/// A density: a base, a chain of transforms, and the maps behind it to the data's own units.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pathline/core/clone_ptr.hpp"
#include "pathline/flow/base.hpp"
#include "pathline/flow/periods.hpp"
#include "pathline/transform/affine.hpp"
#include "pathline/transform/batch_norm.hpp"
#include "pathline/transform/bounds.hpp"
#include "pathline/transform/chain.hpp"
#include "pathline/transform/cnf.hpp"
#include "pathline/transform/linear.hpp"
#include "pathline/transform/logit.hpp"

namespace pathline {

struct EvaluationOptions {
  /// Tighter than the default of SolverOptions and than any training, so that coarse steps do not flatter a density.
  SolverOptions solver{.rtol = 1e-6, .atol = 1e-6};
  TraceOptions trace = {};
  std::uint64_t seed = 0;  ///< seed of Hutchinson's probes
  /// Number of the first sample within a stream that is evaluated in parts. It selects the probes; a multiple of tile.
  Index first = 0;
  Index tile = 64;         ///< number of samples solved together
  bool density = true;     ///< false: only the points, several times cheaper; log-densities are NaN
  int threads = 1;         ///< >= 0, 0: one per core. Results do not depend on it, bit for bit
};

template <class S> struct LogProb {
  RowVector<double> log_prob;  ///< 1 x N, in nats, of the data in its own units
  Matrix<S> latent;            ///< d x N: the points at the base
  SolveReport report;          ///< summed over the tiles
  double nfe = 0;              ///< number of field evaluations: mean over the tiles, summed over the blocks
};

template <class S> struct Samples {
  Matrix<double> points;       ///< d x N, in the data's units
  RowVector<double> log_prob;  ///< 1 x N
  SolveReport report;
  double nfe = 0;
};

struct Transformed {
  Matrix<double> points;         ///< d x N, in the data's units
  RowVector<double> log_change;  ///< 1 x N: log-density at the end minus log-density at the start
  SolveReport report;
  double nfe = 0;
};

/// The score of each point: the gradient of log p with respect to x.
struct Score {
  Matrix<double> score;        ///< d x N, in the data's units; NaN where the density is 0
  RowVector<double> log_prob;  ///< 1 x N
  SolveReport report, backward;
  double nfe = 0, backward_nfe = 0;  ///< means over the tiles
};

struct ScoreOptions {
  SolverOptions solver = EvaluationOptions{}.solver;
  TraceOptions trace = {};
  AdjointKind adjoint = AdjointKind::discrete;
  std::uint64_t seed = 0;  ///< seed of Hutchinson's probes
  Index first = 0;  ///< number of the first point, a multiple of the tile, for points that are passed in parts
  Index tile = 64;
  int threads = 1;  ///< >= 0, 0: one per core
};

/// Offsets of the parameters in the flat theta of a flow: one offset per transform of the chain and of the data side.
struct FlowLayout {
  std::vector<Index> chain, data_side;
  Index base = 0, size = 0;
};

template <class S> class FlowMixture;

/// A density log p(x) = log p0(z) + log|det dz/dx|, wrapped in the columns that are periodic, where z is the image of x
/// under the inverse of `data_side` and `chain`, and p0 is the base distribution. A Flow is a value: a copy shares
/// nothing with the original.
template <class S> class Flow {
 public:
  explicit Flow(Chain<S> chain);  ///< at least one transform; standard normal base, no data side
  explicit Flow(Cnf<S> block);
  /// norms: either none, or one before, between and after the blocks (one more than there are blocks).
  explicit Flow(std::vector<Cnf<S>> blocks, std::vector<BatchNorm<S>> norms = {});
  explicit Flow(std::unique_ptr<Base> base);  ///< no transform: the density of the base itself; see flow_mixture()
  /// Returns a flow that shares the vector fields: set_theta of one changes the other.
  [[nodiscard]] Flow share() const;

  Index dim() const { return base->dim(); }
  Index condition_dim() const { return condition_mean.size(); }
  double end_time() const { return chain.end_time(); }  ///< sum of the durations; 0 if no transform solves an ODE
  /// The members of an ensemble, whose mixture is the density; null for any other flow. log_prob, score and sample are
  /// then made of theirs, each with the options of the call; the density has no path through time.
  const FlowMixture<S>* members() const;

  /// All trained parameters as one vector: those of the chain, of the data side, of the base.
  [[nodiscard]] FlowLayout layout() const;
  /// "blocks.0.layers.0._layer.weight", "norms.0.bias", "base.mean"
  [[nodiscard]] std::vector<Parameter> parameters() const;
  [[nodiscard]] Vector<double> theta() const;
  void set_theta(ConstVectorRef<double> theta);

  /// Evaluates log p(x | c) of x (d x N) and c (dc x N); leave c out for a flow without a condition. Throws InputError
  /// for other shapes and for a number that is not finite, and NumericalError with advice if a solve fails; both name
  /// the first such point, of which number options.first + 1 is the first.
  [[nodiscard]] LogProb<S> log_prob(ConstMatrixRef<double> x, ConstMatrixRef<double> c = Matrix<double>(0, 0),
                                    const EvaluationOptions& options = {}) const;
  /// Computes the score by the adjoint method, in the units of the data.
  [[nodiscard]] Score score(ConstMatrixRef<double> x, ConstMatrixRef<double> c = Matrix<double>(0, 0),
                            const ScoreOptions& options = {}) const;
  /// Evaluates the density at time t in [0, end_time()], at points x in the units of the data. At t = 0 it is the base
  /// distribution, at the end that of the data.
  [[nodiscard]] LogProb<S> log_prob_at(double t, ConstMatrixRef<double> x,
                                       ConstMatrixRef<double> c = Matrix<double>(0, 0),
                                       const EvaluationOptions& options = {}) const;

  /// Draw samples first ... first + n - 1 of the stream that the seed defines, so that a long stream can be drawn in
  /// parts. first (in sample, options.first) is a multiple of the tile. c: dc x n, in the units of the data; draw_base
  /// needs it only if the base has a condition.
  [[nodiscard]] Matrix<S> draw_base(Index n, std::uint64_t seed, Index tile = EvaluationOptions{}.tile, Index first = 0,
                                    ConstMatrixRef<double> c = Matrix<double>(0, 0)) const;
  [[nodiscard]] Samples<S> sample(Index n, std::uint64_t seed, const EvaluationOptions& options = {},
                                  ConstMatrixRef<double> c = Matrix<double>(0, 0)) const;

  /// Maps latent points (d x N, at time 0) to the data.
  [[nodiscard]] Samples<S> push(const Matrix<S>& base, const EvaluationOptions& options = {},
                                ConstMatrixRef<double> c = Matrix<double>(0, 0)) const;

  /// Moves points x, in the units of the data, from time `from` to time `to`, both in [0, end_time()]. A periodic
  /// column is followed on the real line, from and to any of its images.
  [[nodiscard]] Transformed transform(ConstMatrixRef<double> x, double from, double to,
                                      ConstMatrixRef<double> c = Matrix<double>(0, 0),
                                      const EvaluationOptions& options = {}) const;

  /// Like push, and records the points at increasing times in [0, end_time()]: times.size() arrays of d x N, in the
  /// units of the data (mean + scale z).
  Samples<S> trajectory(const Matrix<S>& base, const std::vector<double>& times, std::vector<Matrix<double>>& along,
                        const EvaluationOptions& options = {}, ConstMatrixRef<double> c = Matrix<double>(0, 0)) const;

  /// Map x (d x B) between the units of the data and those of the data's end of the chain, without regard to periods.
  /// If log_det (1 x B) is not null, log|det| of the map is added to it. first is the number of the first point, for
  /// messages.
  [[nodiscard]] Matrix<S> standardized(ConstMatrixRef<double> x, RowVector<double>* log_det = nullptr,
                                       Index first = 0) const;
  [[nodiscard]] Matrix<double> in_data_units(ConstMatrixRef<double> z, RowVector<double>* log_det = nullptr) const;
  /// Returns (c - condition_mean) / condition_scale, which is what the vector fields and the base see: of all columns of
  /// c (dc x N), or of columns begin ... begin + batch - 1 (dc x batch).
  [[nodiscard]] Matrix<S> standardized_condition(ConstMatrixRef<double> c) const;
  [[nodiscard]] Matrix<S> standardized_condition(ConstMatrixRef<double> c, Index begin, Index batch) const;

  /// Set and read the affine map of `data_side`, x = mean + scale z (d each; 0 and 1 if there is none), and the logit
  /// behind it (alpha in [0, 0.5); 0 if there is none).
  void standardize(const Vector<double>& mean, const Vector<double>& scale);
  Vector<double> mean() const;
  Vector<double> scale() const;
  void set_logit(double alpha);
  double logit() const;
  /// Set and read the bounds of the columns, in the units of the data; null for none.
  void set_bounds(const std::optional<Bounds<double>>& bounds);
  const Bounds<double>* bounds() const;
  /// Set and read the linear map on the base's side of the affine one, x = mean + scale L z, which takes nearly
  /// collinear columns apart; null for none.
  void set_linear(const std::optional<Linear<double>>& linear);
  const Linear<double>* linear() const;
  /// Set and read which columns are periodic; null for none. log_prob and score are then of the wrapped density, and
  /// samples lie within one period. Bounds are set before: see Periods.
  void set_periods(std::optional<Periods> periods);
  const Periods* periods() const { return periods_ ? &*periods_ : nullptr; }

  /// The continuous blocks and the batch norms of the chain, ordered from the base to the data.
  std::vector<const Cnf<S>*> blocks() const { return chain.template all<Cnf<S>>(); }
  std::vector<Cnf<S>*> blocks() { return chain.template all<Cnf<S>>(); }
  std::vector<const BatchNorm<S>*> norms() const { return chain.template all<BatchNorm<S>>(); }
  std::vector<BatchNorm<S>*> norms() { return chain.template all<BatchNorm<S>>(); }

  Chain<S> chain;           ///< ordered from the base towards the data
  Chain<double> data_side;  ///< from there to the units of the data; always in double, without a condition
  ClonePtr<Base> base;
  Vector<double> condition_mean, condition_scale;  ///< dc

 private:
  struct TileDensity;
  struct TileScore;
  TileDensity tile_density(double t, ConstMatrixRef<double> x, Index first, const EvaluationOptions& options,
                           const TransformContext<S>& context) const;
  TileScore tile_score(ConstMatrixRef<double> x, const TransformContext<S>& context, ChainTape<S>& tape) const;
  RowVector<double> base_density(ConstMatrixRef<S> z, ConstMatrixRef<S> c) const;
  std::vector<Periods::Image> images(ConstMatrixRef<double> x) const;
  void check(ConstMatrixRef<double> x, ConstMatrixRef<double> c, Index first) const;
  void check_time(double t) const;
  LogProb<S> log_prob_from(double t, ConstMatrixRef<double> x, ConstMatrixRef<double> c,
                           const EvaluationOptions& options) const;

  std::optional<Periods> periods_;
};

extern template class Flow<float>;
extern template class Flow<double>;

}  // namespace pathline

/// An invertible map between the base's side and the data's side of a flow, with its log-determinant and its pullback.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "pathline/adjoint/adjoint_kind.hpp"
#include "pathline/core/attributes.hpp"
#include "pathline/field/vector_field.hpp"
#include "pathline/ode/augmented.hpp"

namespace pathline {

enum class Direction { base_to_data, data_to_base };

/// How a transform that solves an ODE does it, and what it integrates beside the path when it records.
template <class S> struct SolveOptions {
  SolverOptions solver;
  TraceOptions trace;
  AdjointKind adjoint = AdjointKind::discrete;  ///< of a recorded apply and its pullback
  const Integrand<S>* penalty = nullptr;        ///< enters the loss with weight 1; null: none
};

/// The random stream of a transform's probes: a function of (seed, purpose, i, j). Of the n-th solve of a chain, i and
/// j are i + n * i_step and j + n * j_step.
struct ProbeStream {
  std::uint64_t seed = 0;
  std::string_view purpose = "flow.probes";
  std::uint64_t i = 0, j = 0, i_step = 0, j_step = 1;

  ProbeStream of_solve(std::uint64_t n) const {
    return {seed, purpose, i + n * i_step, j + n * j_step, i_step, j_step};
  }
};

template <class S> struct SolveScratch;

/// What a thread keeps between calls: memory that every transform may use. One per thread.
template <class S> class TransformScratch {
 public:
  TransformScratch();
  ~TransformScratch();
  TransformScratch(TransformScratch&&) noexcept;
  TransformScratch& operator=(TransformScratch&&) noexcept;

  Workspace<S> workspace;
  SolveScratch<S>& solves();  ///< of transforms that solve an ODE (src/transform/solve_scratch.hpp)

 private:
  std::unique_ptr<SolveScratch<S>> solves_;
};

/// Sees the points at times on the way from the base to the data.
template <class S> class PathKeeper {
 public:
  virtual ~PathKeeper() = default;
  virtual void keep(std::size_t k, ConstMatrixRef<S> z) = 0;  ///< at the k-th time; z: d x B
};

/// A part of a transform that takes time: from `first` to `last`, both in [0, duration] since the base's side.
struct TimePart {
  double first = 0, last = 0;
  /// on the way, since the base's side: keep(k, z at the time)
  std::vector<std::pair<double, std::size_t>> times = {};
};

/// What varies from call to call. References outlive the call.
template <class S> struct TransformContext {
  TransformScratch<S>& scratch;
  const SolveOptions<S>& options;
  const Matrix<S>& condition;  ///< dc x B, standardized; no rows without a condition
  Index first_sample = 0;      ///< the number of the tile's first sample, for messages
  ProbeStream probes = {};
  /// of the solve: the step to begin with (0: an estimate), then the one accepted
  double* first_step = nullptr;
  const TimePart* part = nullptr;   ///< null: all of the transform
  PathKeeper<S>* keeper = nullptr;  ///< of part->times
};

/// What a transform remembers of one apply for its pullback. Kept between calls, so that nothing is allocated again.
template <class S> class TransformTape {
 public:
  virtual ~TransformTape() = default;
  double log_det = 0;           ///< summed over the samples; NaN if apply was not asked for it
  double penalty = 0;           ///< the integral of SolveOptions::penalty, summed over the samples
  Vector<double> sum, squares;  ///< of a transform that gathers statistics: the input's sum, and squares about its mean
};

/// dL/dt at the two ends of a transform that takes time.
struct EndTimes {
  double base = 0, data = 0;
};

/// Cotangents of one recorded apply.
template <class S> struct TransformCotangent {
  MatrixRef<S> z;                    ///< d x B; of the output on the way in, of the input on the way out
  const RowVector<double>& log_det;  ///< 1 x B: dL/dlog|det|; zeros if the apply was not asked for it
  VectorRef<double> theta;           ///< added to; empty: not asked for, which is cheaper
  MatrixRef<S> condition;            ///< dc x B, added to
  EndTimes* ends = nullptr;          ///< added to; null: not asked for
};

/// The mean and variance (over n - 1) of what entered a transform.
struct BatchStatistics {
  Vector<double> mean, variance;  ///< d; empty for a transform that gathers none
};

/// One link of a flow. All const functions may run on several threads at once, each with a scratch of its own.
///
/// Write a transform of your own by overriding clone, kind, apply, make_tape and pullback, and the functions on theta
/// if it has parameters. In apply, z is changed in place and log|det dz_out/dz_in| is added to log_det.
template <class S> class Transform {
 public:
  virtual ~Transform() = default;
  virtual std::unique_ptr<Transform<S>> clone() const = 0;  ///< deep
  /// Of the same vector field (for what shares something, by intent): set_theta of one changes the other.
  virtual std::unique_ptr<Transform<S>> share() const { return clone(); }
  virtual std::string kind() const = 0;                  ///< "cnf", "batch_norm", "affine", "logit", ...
  virtual std::string prefix() const { return kind(); }  ///< of its parameters' names: "<prefix>.<i>.<name>"
  /// What it is, without the parameters.
  virtual Attributes describe() const { return {}; }

  Index dim() const { return dim_; }
  Index condition_dim() const { return condition_dim_; }  ///< 0: it does not look at a condition

  /// Parameters, flat, in double; offsets from 0.
  virtual Index parameter_count() const { return 0; }
  virtual std::vector<Parameter> parameters() const { return {}; }
  virtual Vector<double> theta() const { return {}; }
  virtual void set_theta(ConstVectorRef<double>) {}

  /// > 0 of a transform that follows a path in time by solving an ODE.
  virtual double duration() const { return 0; }
  /// From the summed cotangents of the ends to the parameters they depend on: added to theta_bar (parameter_count()).
  virtual void add_time_gradient(const EndTimes&, VectorRef<double>) const {}
  /// InputError if the options ask for what it cannot do.
  virtual void check(const SolveOptions<S>&) const {}

  /// z: d x B, in place. log_det: 1 x B, log|det dz_out/dz_in| is added; null: not asked for, which is cheaper where an
  /// ODE is solved. tape: null, or of make_tape(): the way back is recorded, with the sums of TransformTape. Numerical
  /// failure is the report's status; InputError names the sample (context.first_sample + column) and column.
  virtual SolveReport apply(Direction direction, MatrixRef<S> z, RowVector<double>* log_det,
                            const TransformContext<S>& context, TransformTape<S>* tape) const = 0;
  virtual std::unique_ptr<TransformTape<S>> make_tape() const { return std::make_unique<TransformTape<S>>(); }
  /// The transpose of the apply that `tape` recorded, with the same options and condition.
  virtual SolveReport pullback(Direction direction, const TransformTape<S>& tape, TransformCotangent<S> to,
                               const TransformContext<S>& context) const = 0;

  /// Statistics that follow the data in training: gathers() asks for those of a batch, update() moves by them.
  virtual bool gathers() const { return false; }
  virtual void update(const BatchStatistics&) {}

 protected:
  explicit Transform(Index dim, Index condition_dim = 0) : dim_(dim), condition_dim_(condition_dim) {}
  Transform(const Transform&) = default;
  Transform& operator=(const Transform&) = default;
  /// The report of what needs no solve.
  static SolveReport done() {
    SolveReport report;
    report.status = SolveStatus::success;
    return report;
  }

 private:
  Index dim_, condition_dim_;
};

extern template class TransformScratch<float>;
extern template class TransformScratch<double>;

}  // namespace pathline

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

/// How a transform solves its ODE, and what it integrates along the trajectory for the loss.
template <class S> struct SolveOptions {
  SolverOptions solver = {};
  TraceOptions trace = {};
  AdjointKind adjoint = AdjointKind::discrete;  ///< adjoint method of a recorded apply and its pullback
  const Integrand<S>* penalty = nullptr;        ///< added to the loss with weight 1; null for none
};

/// The random stream of the probes is a function of (seed, purpose, i, j). The n-th solve of a chain uses
/// i + n * i_step and j + n * j_step.
struct ProbeStream {
  std::uint64_t seed = 0;
  std::string_view purpose = "flow.probes";
  std::uint64_t i = 0, j = 0, i_step = 0, j_step = 1;

  ProbeStream of_solve(std::uint64_t n) const {
    return {seed, purpose, i + n * i_step, j + n * j_step, i_step, j_step};
  }
};

template <class S> struct SolveScratch;

/// Memory that a thread keeps between calls and that every transform may use. There is one per thread.
template <class S> class TransformScratch {
 public:
  TransformScratch();
  ~TransformScratch();
  TransformScratch(TransformScratch&&) noexcept;
  TransformScratch& operator=(TransformScratch&&) noexcept;

  Workspace<S> workspace;
  SolveScratch<S>& solves();  ///< used by transforms that solve an ODE (src/transform/solve_scratch.hpp)

 private:
  std::unique_ptr<SolveScratch<S>> solves_;
};

/// Receives the points at chosen times on the way from the base to the data.
template <class S> class PathKeeper {
 public:
  virtual ~PathKeeper() = default;
  virtual void keep(std::size_t k, ConstMatrixRef<S> z) = 0;  ///< at the k-th time; z: d x B
};

/// A time interval of a transform that solves an ODE: from `first` to `last`, both in [0, duration] counted from the
/// base.
struct TimePart {
  double first = 0, last = 0;
  /// Times at which keep(k, z) is called, counted from the base, with their index k.
  std::vector<std::pair<double, std::size_t>> times = {};
};

/// What changes from call to call. The references must outlive the call.
template <class S> struct TransformContext {
  TransformScratch<S>& scratch;
  const SolveOptions<S>& options;
  const Matrix<S>& condition;  ///< dc x B, standardized; no rows without a condition
  Index first_sample = 0;      ///< number of the first sample of the tile, for messages
  ProbeStream probes = {};
  /// In: the first step of the solve (0: it is estimated). Out: the first step that was accepted.
  double* first_step = nullptr;
  const TimePart* part = nullptr;   ///< null for the whole transform
  PathKeeper<S>* keeper = nullptr;  ///< of part->times
};

/// What a transform records during one apply for its pullback. It is reused between calls to avoid allocations.
template <class S> class TransformTape {
 public:
  virtual ~TransformTape() = default;
  double log_det = 0;           ///< summed over the samples; NaN if apply did not compute it
  double penalty = 0;           ///< the integral of SolveOptions::penalty, summed over the samples
  /// of the input, and of its squares about the mean, if the transform gathers statistics
  Vector<double> sum, squares;
};

/// dL/dt at the two ends of a transform that solves an ODE.
struct EndTimes {
  double base = 0, data = 0;
};

/// The cotangents that a pullback reads and writes.
template <class S> struct TransformCotangent {
  MatrixRef<S> z;                    ///< d x B: in, the cotangent of the output; out, that of the input
  const RowVector<double>& log_det;  ///< 1 x B: dL/dlog|det|; zeros if apply did not compute it
  VectorRef<double> theta;           ///< added to; an empty vector skips it, which is cheaper
  MatrixRef<S> condition;            ///< dc x B, added to
  EndTimes* ends = nullptr;          ///< added to; null skips it
};

/// The mean and variance (divided by n - 1) of the input of a transform.
struct BatchStatistics {
  Vector<double> mean, variance;  ///< d; empty for a transform that gathers none
};

/// An invertible map, one link of a flow. Several threads may call the const functions at once, each with its own
/// scratch.
///
/// Write a transform of your own by overriding clone, kind, apply, make_tape and pullback, and the functions on theta
/// if it has parameters. In apply, z is changed in place and log|det dz_out/dz_in| is added to log_det.
template <class S> class Transform {
 public:
  virtual ~Transform() = default;
  virtual std::unique_ptr<Transform<S>> clone() const = 0;  ///< deep
  /// A transform that shares the vector field of this one: set_theta of one changes the other.
  virtual std::unique_ptr<Transform<S>> share() const { return clone(); }
  virtual std::string kind() const = 0;                  ///< "cnf", "batch_norm", "affine", "logit", ...
  virtual std::string prefix() const { return kind(); }  ///< its parameters are named "<prefix>.<i>.<name>"
  /// Describes the transform without its parameters, for files and `pathline info`.
  virtual Attributes describe() const { return {}; }

  Index dim() const { return dim_; }
  Index condition_dim() const { return condition_dim_; }  ///< 0 if it ignores the condition

  /// The parameters as one vector of doubles; offsets count from 0.
  virtual Index parameter_count() const { return 0; }
  virtual std::vector<Parameter> parameters() const { return {}; }
  virtual Vector<double> theta() const { return {}; }
  virtual void set_theta(ConstVectorRef<double>) {}

  /// The time over which the transform solves an ODE; 0 if it solves none.
  virtual double duration() const { return 0; }
  /// Adds to theta_bar (parameter_count()) the gradient that comes from the cotangents of the two end times.
  virtual void add_time_gradient(const EndTimes&, VectorRef<double>) const {}
  /// Throws InputError if the transform does not support the options.
  virtual void check(const SolveOptions<S>&) const {}

  /// Transforms z (d x B) in place and adds log|det dz_out/dz_in| to log_det (1 x B). A null log_det is not computed,
  /// which is cheaper where an ODE is solved. If tape is not null (it comes from make_tape()), it records what the
  /// pullback needs. The status of the report says whether a solve failed; an InputError names the sample
  /// (context.first_sample + column) and the column of the table.
  virtual SolveReport apply(Direction direction, MatrixRef<S> z, RowVector<double>* log_det,
                            const TransformContext<S>& context, TransformTape<S>* tape) const = 0;
  virtual std::unique_ptr<TransformTape<S>> make_tape() const { return std::make_unique<TransformTape<S>>(); }
  /// Applies the transpose of the apply that `tape` recorded, with the same options and condition.
  virtual SolveReport pullback(Direction direction, const TransformTape<S>& tape, TransformCotangent<S> to,
                               const TransformContext<S>& context) const = 0;

  /// For a transform with running statistics: gathers() is true, and update() takes those of a batch.
  virtual bool gathers() const { return false; }
  virtual void update(const BatchStatistics&) {}

 protected:
  explicit Transform(Index dim, Index condition_dim = 0) : dim_(dim), condition_dim_(condition_dim) {}
  Transform(const Transform&) = default;
  Transform& operator=(const Transform&) = default;
  /// The report of a transform that needs no solve.
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

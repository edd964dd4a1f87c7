/// \file
/// Checks that a flow is the density that it claims to be. Each check is a function that gives a figure, the bound that
/// the figure has to keep, and a verdict; verify() in verify/verify.hpp runs them all.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "pathline/checkpoint/known_answers.hpp"
#include "pathline/flow/flow.hpp"
#include "pathline/objective/target.hpp"

namespace pathline {

enum class Verdict { pass, fail, skipped };
[[nodiscard]] std::string to_string(Verdict verdict);

/// The result of one check.
struct Check {
  /// A figure that is an error has to stay below its bound; one that is a p-value, above it.
  enum class Side { at_most, at_least };

  std::string name;              ///< "there and back"
  double figure = 0, bound = 0;  ///< NaN if the check was skipped, or failed before it had a figure
  Side side = Side::at_most;
  std::optional<double> error = {};  ///< of the figure
  Verdict verdict = Verdict::skipped;
  std::string detail = {};  ///< one line: what the figure is, or why the check was skipped or has no figure
};

/// What is checked. The references must outlive it.
struct Subject {
  const Flow<double>& flow;
  const Flow<float>* single = nullptr;                    ///< the same flow, if it is evaluated in float by default
  SolverOptions evaluation = EvaluationOptions{}.solver;  ///< how it is evaluated by default
  Matrix<double> condition_range = {};                    ///< dc x 2, of the training data; empty if it is not known
  Matrix<double> x = {}, c = {};   ///< data that the flow models, d x N and dc x N; empty if there are none
  const Target* target = nullptr;  ///< what the flow approximates, if it was trained without data
  std::optional<TrainedFigure> trained = {};  ///< how well it did at the end of the training
  const KnownAnswers* answers = nullptr;      ///< of its file; null: it has none
  std::uint64_t seed = 0;
  int threads = 1;  ///< results do not depend on it
};

/// Bound of every p-value. Eight rows have one, so that a right model fails one of them with a probability below 1e-4.
inline constexpr double kLeastP = 1e-5;

// --- the map and its log-determinant ---

/// Base -> data -> base: the largest distance from the start, RMS over the columns, in double at a tolerance of 1e-9.
[[nodiscard]] Check check_there_and_back(const Subject& subject);
/// The log-density of the model's own draws, as sample() and as log_prob() compute it: the largest difference, nats.
[[nodiscard]] Check check_both_ways(const Subject& subject);
/// log p(x) - log p0(z) against the logarithm of the determinant of dz/dx from differences of the map alone, without
/// any trace or log-determinant of a transform: the largest difference, nats.
[[nodiscard]] Check check_log_determinant(const Subject& subject);
/// The continuity equation d rho/dt + div(rho f) = 0 at five times of each block, in the form
/// (d/dt + f grad) log rho = -div f (Liouville), all derivatives by differences of the density and of the field's
/// values: the residual over 1 + |div f|, of which 90 % of the points are below the figure.
[[nodiscard]] Check check_continuity(const Subject& subject);
/// Hutchinson's trace against the exact one, over many probes: the p-value of Student's test of each point's mean
/// difference, the least one times the number of points.
[[nodiscard]] Check check_trace(const Subject& subject);
/// The adjoint gradient of the likelihood, along a random direction of each array of parameters, of the data and of the
/// condition, against central differences: the largest GradientCheckRow::error(). Each array has three directions, of
/// which the best counts, because a difference may straddle a kink of the activation.
[[nodiscard]] Check check_adjoint(const Subject& subject);
/// Whether each map from the data's units is monotone along its column: the number of steps in the wrong direction.
[[nodiscard]] Check check_monotone(const Subject& subject);

// --- the density ---

/// The log-density of the points in the file, against what it was when the file was written: the largest
/// |difference| / (1 + |log p|). This row sees a weight that was changed under a corrected digest.
[[nodiscard]] Check check_answers(const Subject& subject);

/// The integral of the density as it is evaluated by default, |integral - 1|, at three conditions if it has any. Up to
/// three columns by adaptive cubature; above, by importance sampling from the pushforward of a widened base whose own
/// density has its Jacobians from differences of the map.
[[nodiscard]] Check check_integral(const Subject& subject);
/// The log-density as it is evaluated by default against double at a hundred times tighter tolerance, of the model's
/// own draws: the mean difference, nats.
[[nodiscard]] Check check_tolerance(const Subject& subject);
/// The number of 16 directions along which the log-density is not finite or does not fall, out to 50 standard
/// deviations.
[[nodiscard]] Check check_tails(const Subject& subject);
/// The draws of the base against its log-density, by Stein's identity E[z_i d log p0/dz_j] = -delta_ij: the least
/// p-value of the d^2 + d normal tests, times their number.
[[nodiscard]] Check check_base(const Subject& subject);

// --- the data ---

/// The mean of -log p on the data against that at the end of the training, or of log q - log p~ for a target: the
/// p-value that it is no larger.
[[nodiscard]] Check check_likelihood(const Subject& subject);
/// Draws against the data by the energy distance (Szekely & Rizzo 2013), with the permutation p-value. With a
/// condition, the pairs of condition and draw.
[[nodiscard]] Check check_energy(const Subject& subject);
/// Coverage of the regions of highest density: log p of the data against log p of draws, by the p-value of the
/// two-sample test of Kolmogorov and Smirnov.
[[nodiscard]] Check check_coverage(const Subject& subject);
/// Each column of draws against that of the data, by the same test: the least p-value times the number of columns.
[[nodiscard]] Check check_marginals(const Subject& subject);
/// Simulation-based calibration (Talts et al. 2018): the rank of each datum among draws under its own condition is
/// uniform. The least p-value of the columns times their number.
[[nodiscard]] Check check_calibration(const Subject& subject);

}  // namespace pathline

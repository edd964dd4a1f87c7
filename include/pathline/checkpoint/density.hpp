/// \file
/// A trained density from its file: what a program needs to evaluate it and to draw from it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pathline/flow/flow.hpp"

namespace pathline {

struct DensityOptions {
  std::optional<SolverOptions> solver = {};  ///< absent: the stepper and the tolerances that the file states
  TraceOptions trace = {};                   ///< exact by default, however the model was trained
  std::uint64_t seed = 0;                    ///< of the probes of Hutchinson's trace
  Index tile = 64;                           ///< >= 1: samples solved together
  int threads = 1;                           ///< >= 0, 0: one per core. Results do not depend on it, bit for bit
};

/// Reads a model and evaluates it in the precision that the file names. All arguments and results are in double and in
/// the units of the data.
///
///     const pathline::Density density("moons.h5");
///     const pathline::RowVector<double> log_p = density.log_prob(x);  // x: d x N, one point a column
///     const pathline::Matrix<double> slope = density.score(x);        // gradient of log p, d x N
///     const pathline::Matrix<double> points = density.sample(1000, /*seed=*/1);  // d x 1000
///
/// A copy costs nothing: it refers to the same model, which no function changes. All functions are const and may be
/// called from several threads at once. They throw InputError for points or conditions of another shape, and
/// NumericalError with advice if a solve fails.
class Density {
 public:
  /// Reads `file`, a model of `pathline train` or a network converted by tools/ffjord_to_hdf5.py. Throws InputError
  /// that names the file if it cannot be read, and InputError that names the option if an option is out of its range.
  /// Several threads may load models at once, as long as the program itself does not call HDF5 meanwhile.
  explicit Density(const std::string& file, const DensityOptions& options = {});

  [[nodiscard]] Index dim() const;            ///< d
  [[nodiscard]] Index condition_dim() const;  ///< dc; 0 for a model without a condition
  /// Names of the data's columns, d of them; empty for an imported network.
  [[nodiscard]] const std::vector<std::string>& columns() const;
  [[nodiscard]] const std::vector<std::string>& condition_columns() const;  ///< dc names
  [[nodiscard]] const SolverOptions& solver() const;                        ///< the accuracy of the evaluations

  /// Returns log p(x | c) in nats, 1 x N. x: d x N. c: dc x N; leave it out for a model without a condition.
  [[nodiscard]] RowVector<double> log_prob(ConstMatrixRef<double> x,
                                           ConstMatrixRef<double> c = Matrix<double>(0, 0)) const;
  /// Returns the gradient of log p(x | c) by x, d x N.
  [[nodiscard]] Matrix<double> score(ConstMatrixRef<double> x, ConstMatrixRef<double> c = Matrix<double>(0, 0)) const;
  /// Returns n >= 0 draws, d x n, which are a function of the seed. c: dc x n, the condition of each draw.
  [[nodiscard]] Matrix<double> sample(Index n, std::uint64_t seed,
                                      ConstMatrixRef<double> c = Matrix<double>(0, 0)) const;

 private:
  struct Impl;
  std::shared_ptr<const Impl> impl_;
};

}  // namespace pathline

// Statistics of a stream of log-densities that is read in parts: moments, a random sample of the points, and how far
// their log-densities are from the exact ones.
#pragma once

#include <cstdint>
#include <string>

#include "pathline/core/random.hpp"
#include "pathline/flow/flow.hpp"

namespace pathline {

// The mean of many values, and its standard error.
struct Moments {
  double n = 0, mean = 0, squares = 0;
  void add(const RowVector<double>& values);
  double error() const;  // NaN for one value
};

// A uniform random sample of at most `most` of all points that were added, however many come (reservoir sampling).
class PointSample {
 public:
  explicit PointSample(Index most, std::uint64_t seed = 0) : most_(most), engine_(make_stream(seed, "point_sample")) {}

  // x: d x n, c: dc x n, or without rows; log_prob: 1 x n.
  void add(const Matrix<double>& x, const Matrix<double>& c, const RowVector<double>& log_prob);

  Index size() const { return size_; }
  Matrix<double> x() const { return x_.leftCols(size_); }
  Matrix<double> c() const { return c_.leftCols(c_.rows() > 0 ? size_ : 0); }
  RowVector<double> log_prob() const { return log_prob_.head(size_); }

 private:
  Index most_, seen_ = 0, size_ = 0;
  Engine engine_;
  Matrix<double> x_, c_;
  RowVector<double> log_prob_;
};

// The difference of the log-densities of a sample to those in double precision with the exact trace at a tolerance of
// 1e-9, over the points whose density is finite in both. Not every flow can be solved at that tolerance.
struct DensityError {
  double mean = 0, largest = 0;  // of |log p - exact|, nats
  double bias = 0;               // mean of log p - exact, nats: the error of a mean NLL or a KL divergence
  Index points = 0;
  std::string unknown;  // why the difference is not known; empty if it is
};
DensityError density_error(const Flow<double>& flow, const PointSample& sample, const EvaluationOptions& options);

// The standard error of one log-density by Hutchinson's probes, root mean square over the sample: from a second,
// independent set of probes. NumericalError as Flow::log_prob.
template <class S> double probe_error(const Flow<S>& flow, const PointSample& sample, const EvaluationOptions& options);

// The median over the sample of a point's distance from the training data's mean, in their standard deviations: the
// root mean square over the columns, about 1 for the training data themselves. NaN for no point.
template <class S> double median_distance(const Flow<S>& flow, const PointSample& sample);

}  // namespace pathline

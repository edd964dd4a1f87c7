#include "train/density_statistics.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "pathline/core/error.hpp"

namespace pathline {

void Moments::add(const RowVector<double>& v) {  // Chan, Golub & LeVeque 1983
  if (v.size() == 0) return;
  const double m = static_cast<double>(v.size()), centre = v.mean(), shift = centre - mean;
  squares += (v.array() - centre).square().sum() + shift * shift * n * m / (n + m);
  mean += shift * m / (n + m), n += m;
}

double Moments::error() const { return n > 1 ? std::sqrt(squares / (n * (n - 1))) : std::nan(""); }

// Vitter 1985, "Random sampling with a reservoir", algorithm R.
void PointSample::add(const Matrix<double>& x, const Matrix<double>& c, const RowVector<double>& log_prob) {
  if (seen_ == 0) x_.resize(x.rows(), most_), c_.resize(c.rows(), most_), log_prob_.resize(most_);
  for (Index i = 0; i < x.cols(); ++i, ++seen_) {
    const Index to = size_ < most_ ? size_++ : uniform_index(engine_, seen_ + 1);
    if (to >= most_) continue;
    x_.col(to) = x.col(i), log_prob_[to] = log_prob[i];
    if (c.rows() > 0) c_.col(to) = c.col(i);
  }
}

DensityError density_error(const Flow<double>& flow, const PointSample& sample, const EvaluationOptions& options) {
  DensityError out;
  auto fine = options;
  fine.solver = {.rtol = 1e-9, .atol = 1e-9, .max_steps = 100000};
  fine.trace = {}, fine.first = 0;
  RowVector<double> exact;
  try {
    exact = flow.log_prob(sample.x(), sample.c(), fine).log_prob;
  } catch (const NumericalError& error) {
    out.unknown = fmt::format("in double at tolerance 1e-9: {}", error.what());
    return out;
  }
  const RowVector<double> off = sample.log_prob() - exact;
  for (double v : off)
    if (std::isfinite(v))
      out.mean += std::abs(v), out.bias += v, out.largest = std::max(out.largest, std::abs(v)), ++out.points;
  if (out.points == 0)
    out.unknown = "no point has a finite log-density";
  else
    out.mean /= static_cast<double>(out.points), out.bias /= static_cast<double>(out.points);
  return out;
}

template <class S>
double probe_error(const Flow<S>& flow, const PointSample& sample, const EvaluationOptions& options) {
  auto one = options, other = options;
  one.first = other.first = 0;
  one.seed = make_stream(options.seed, "probe_error", 0)(), other.seed = make_stream(options.seed, "probe_error", 1)();
  const RowVector<double> off =
      flow.log_prob(sample.x(), sample.c(), one).log_prob - flow.log_prob(sample.x(), sample.c(), other).log_prob;
  return std::sqrt(off.squaredNorm() / (2 * static_cast<double>(off.size())));
}

template <class S> double median_distance(const Flow<S>& flow, const PointSample& sample) {
  if (sample.size() == 0) return std::nan("");
  Matrix<double> x = sample.x();
  if (flow.periods()) flow.periods()->fold_to_centre(x);
  const Matrix<double> z = flow.standardized(x).template cast<double>();
  RowVector<double> distance = z.colwise().norm() / std::sqrt(static_cast<double>(z.rows()));
  std::sort(distance.begin(), distance.end());
  return distance[distance.size() / 2];
}

template double probe_error<float>(const Flow<float>&, const PointSample&, const EvaluationOptions&);
template double probe_error<double>(const Flow<double>&, const PointSample&, const EvaluationOptions&);
template double median_distance<float>(const Flow<float>&, const PointSample&);
template double median_distance<double>(const Flow<double>&, const PointSample&);

}  // namespace pathline

#include "train/least_nll.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace pathline {
namespace {

// The smallest distance of two different values of a column; 0 if all are equal.
double smallest_distance(ConstMatrixRef<double> x, Index row) {
  std::vector<double> values(static_cast<std::size_t>(x.cols()));
  for (Index i = 0; i < x.cols(); ++i) values[static_cast<std::size_t>(i)] = x(row, i);
  std::sort(values.begin(), values.end());
  double least = 0;
  for (std::size_t i = 1; i < values.size(); ++i)
    if (const double distance = values[i] - values[i - 1]; distance > 0 && (least == 0 || distance < least))
      least = distance;
  return least;
}

}  // namespace

std::optional<double> least_nll(const TrainingData& data, const Evaluation& e) {
  if (e.points == 0 || !std::isfinite(e.nll) || data.empty()) return std::nullopt;
  if (const auto entropy = data.entropy())
    return std::isfinite(e.nll_error) ? std::optional(*entropy - 0.5 - 5 * e.nll_error) : std::nullopt;
  // A standard normal has 1.42 nats a column in units of its scale; two values at the same distance have 0.7.
  const double usual = data.standardizer().scale.array().log().sum() + 0.7 * static_cast<double>(data.dim());
  if (e.nll > usual) return std::nullopt;
  const auto training = data.training();
  if (!training || training->x.cols() < 2) return std::nullopt;
  double sum = 0;
  for (Index i = 0; i < training->x.rows(); ++i) {
    const double distance = smallest_distance(training->x, i);
    if (!(distance > 0)) return std::nullopt;
    sum += std::log(distance);
  }
  return sum;
}

}  // namespace pathline
